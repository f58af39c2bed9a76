/* What a relay carries, and how much of the processor it takes for that.
   flood serve unix PATH | vsock PORT: a guest that greets as sshd would, then reads a line, "up N" or "down N", and takes N bytes,
   which it confirms with a byte, or sends as many.
   flood carry up|down N WORD...: runs a relay with pipes for stdin and stdout, has N bytes carried through it, and prints nanoseconds
   from the line until the last byte, microseconds of processor time in the relay and in the kernel for it, in all of its processes,
   and their greatest peak memory in kB. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 65536, LINE_MAX_BYTES = 64 };

static char chunk[CHUNK];

static _Noreturn void fail(const char *what) {
    perror(what);
    exit(1);
}

static long long move(int fd, long long bytes, int is_writing) {
    long long left = bytes;
    while (left > 0) {
        size_t most = left < CHUNK ? (size_t)left : CHUNK;
        ssize_t count = is_writing ? write(fd, chunk, most) : read(fd, chunk, most);
        if (count <= 0) break;
        left -= count;
    }
    return bytes - left;
}

static void read_line(int fd, char line[LINE_MAX_BYTES]) {
    for (int i = 0; i < LINE_MAX_BYTES - 1; i++) {
        if (read(fd, line + i, 1) != 1) fail("no line");
        line[i + 1] = 0;
        if (line[i] == '\n') return;
    }
}

static void serve_one(int client) {
    static const char banner[] = "SSH-2.0-flood\r\n";
    char line[LINE_MAX_BYTES], way[8];
    long long bytes;
    if (write(client, banner, sizeof banner - 1) < 0) fail("write");
    read_line(client, line);
    if (sscanf(line, "%7s %lld", way, &bytes) != 2) fail("no order");
    int is_down = strcmp(way, "down") == 0;
    if (move(client, bytes, is_down) == bytes && !is_down) (void)!write(client, "!", 1);
    shutdown(client, SHUT_WR);
    while (read(client, chunk, CHUNK) > 0); /* closed with something unread, it would be reset */
}

static int listen_at(const char *kind, const char *where) {
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_vm virtual = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = (unsigned)atoi(where)};
    int is_vsock = strcmp(kind, "vsock") == 0;
    snprintf(local.sun_path, sizeof local.sun_path, "%.100s", where);
    int listener = socket(is_vsock ? AF_VSOCK : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr *address = is_vsock ? (struct sockaddr *)&virtual : (struct sockaddr *)&local;
    if (bind(listener, address, is_vsock ? sizeof virtual : sizeof local) < 0 || listen(listener, 8) < 0) fail(where);
    return listener;
}

static _Noreturn void serve(const char *kind, const char *where) {
    int listener = listen_at(kind, where);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) fail("accept");
        if (fork() == 0) {
            serve_one(client);
            _exit(0);
        }
        close(client);
    }
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void start(char **words, int *in, int *out) {
    int input[2], output[2];
    if (pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0) fail("pipe");
    if (fork() == 0) {
        dup2(input[0], STDIN_FILENO);
        dup2(output[1], STDOUT_FILENO);
        execv(words[0], words);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    *in = input[1];
    *out = output[0];
}

static long microseconds(struct timeval time) { return time.tv_sec * 1000000 + time.tv_usec; }

static int carry(const char *way, long long bytes, char **words) {
    char line[LINE_MAX_BYTES];
    struct rusage usage;
    int in, out, is_up = strcmp(way, "up") == 0;
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a relay leaves behind counts, too */
    start(words, &in, &out);
    read_line(out, line); /* the banner: the way is open */
    long long begin = now_ns();
    dprintf(in, "%s %lld\n", way, bytes);
    long long moved = move(is_up ? in : out, bytes, is_up);
    if (is_up && read(out, chunk, 1) != 1) moved = 0;
    long long end = now_ns();
    close(in);
    close(out);
    while (wait(NULL) > 0);
    getrusage(RUSAGE_CHILDREN, &usage);
    if (moved != bytes) return fprintf(stderr, "%lld of %lld bytes came through\n", moved, bytes), 1;
    printf("%lld %ld %ld %ld\n", end - begin, microseconds(usage.ru_utime), microseconds(usage.ru_stime), usage.ru_maxrss);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "serve") == 0) serve(argv[2], argv[3]);
    return argc > 4 && strcmp(argv[1], "carry") == 0 ? carry(argv[2], atoll(argv[3]), argv + 4) : 2;
}
