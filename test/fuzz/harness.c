/*
 * Stands between the program and the kernel in the build for fuzzing. The program's calls are linked to these (ld's --wrap): each
 * connect(2) gets one end of a socketpair(2), and what comes out of it is in the input. A test case is answered in one process, with no
 * other one to wait for: time passes only where the program waits for nothing. Nothing here opens AF_VSOCK, or writes a file.
 *
 * The input is a list of records: a letter, the length in two bytes, most significant first, and as many bytes, or as there are left.
 *   O E V  the body of an answer, a refusal, an event; the header is made to fit the call (src/rpc/virnetprotocol.x of libvirt)
 *   R C    bytes as they are, header and all; after those of C the daemon closes
 *   G H    a guest that says this; after the words of H it closes
 *   N      no guest: the first byte says how
 * Each call takes one record (after an event, one more), and so does each connection to a guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <linux/vm_sockets.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_BUG = 70, MOST_FDS = 1024, HEADER = 28, EVENT = 318 /* REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE */ };

/* ---- coverage of the bytecode ------------------------------------------------------------------------------------------------------ */

/* The engine's interpreter, which is not instrumented itself, says where it goes after each branch of the bytecode: build-target.ts. */
enum { SLOT_BITS = 15, SLOTS = 1 << SLOT_BITS };
static uint32_t slots[SLOTS];
void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);
void __sanitizer_cov_trace_pc_guard(uint32_t *guard);
void fuzz_cover(const uint8_t *pc);

/* With those of the C code, which the compiler claims at this priority, and before AFL++ shares the map of them all. */
__attribute__((constructor(2))) static void claim_slots(void) { __sanitizer_cov_trace_pc_guard_init(slots, slots + SLOTS); }

void fuzz_cover(const uint8_t *pc) {
    uint32_t hash = (uint32_t)((uintptr_t)pc * 2654435761u); /* Knuth's multiplicative hash */
    __sanitizer_cov_trace_pc_guard(&slots[hash >> (32 - SLOT_BITS)]);
}

/* ---- what must not be -------------------------------------------------------------------------------------------------------------- */

static void require(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "\nfuzz: %s\n", what);
    abort();
}

static int has_begun, is_test_case;
static size_t written;

/* What has no place on a terminal: isUnsafe() in helper/quote.ts, as far as it can move the cursor or turn the reading direction. */
static void check_output(const uint8_t *bytes, size_t count) {
    written += count;
    for (size_t i = 0; i < count; i++) {
        uint8_t one = bytes[i], second = i + 1 < count ? bytes[i + 1] : 0, third = i + 2 < count ? bytes[i + 2] : 0;
        require((one >= 0x20 && one != 0x7f) || one == '\n', "a control character was written");
        require(one != 0xc2 || second < 0x80 || second > 0x9f, "a C1 control was written");
        int turns = second == 0x80 && ((third >= 0x8b && third <= 0x8f) || (third >= 0xa8 && third <= 0xae));
        require(one != 0xe2 || !(turns || (second == 0x81 && third >= 0xa0 && third <= 0xaf)), "a direction mark was written");
    }
}

static void check_status(int status, void *unused) {
    (void)unused;
    if (!has_begun) return;
    require(status == EXIT_SUCCESS || status == EXIT_FAILURE, "the exit status is that of a bug, or of wrong usage");
    require(status == EXIT_SUCCESS || written > 0, "it failed without a word");
}

__attribute__((constructor)) static void watch_exit(void) { on_exit(check_status, NULL); }

/* ---- the input --------------------------------------------------------------------------------------------------------------------- */

static uint8_t input[1 << 20];
static size_t input_length, input_at;

/* The file that the input is what is in; none where it is records. */
static const char *input_file(void) { return getenv("VIRTSSH_FUZZ_FILE"); }

ssize_t __real_read(int fd, void *bytes, size_t count);
ssize_t __real_write(int fd, const void *bytes, size_t count);

/* The fork server: all that comes before, the engine's start above all, is done once for all test cases. */
static void begin(void) {
    if (has_begun) return;
    has_begun = 1;
#ifdef __AFL_INIT
    __AFL_INIT();
#endif
    is_test_case = 1;
    for (ssize_t count; (count = __real_read(0, input + input_length, sizeof input - input_length)) > 0;) input_length += (size_t)count;
}

struct record { uint8_t kind; size_t length; const uint8_t *bytes; };

static int take_record(struct record *record) {
    if (input_length - input_at < 3) return 0;
    const uint8_t *at = input + input_at;
    size_t length = (size_t)(at[1] << 8 | at[2]), left = input_length - input_at - 3;
    *record = (struct record){at[0], length < left ? length : left, at + 3};
    input_at += 3 + record->length;
    return 1;
}

/* ---- peers ------------------------------------------------------------------------------------------------------------------------- */

/* By the program's descriptor: the other end, and what of a call has come so far. */
static struct peer { int end, is_daemon; uint8_t call[8192]; size_t length, skip; } *peers[MOST_FDS];

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    if (fd >= 0 && fd < MOST_FDS && peers[fd] != NULL) {
        if (peers[fd]->end >= 0) __real_close(peers[fd]->end);
        free(peers[fd]);
        peers[fd] = NULL;
    }
    return __real_close(fd);
}

static void end_peer(struct peer *peer) {
    if (peer->end >= 0) __real_close(peer->end);
    peer->end = -1;
}

static int make_peer(int fd, int is_daemon) {
    int ends[2], flags = fcntl(fd, F_GETFL);
    if (fd >= MOST_FDS || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -1;
    int high = fcntl(ends[1], F_DUPFD_CLOEXEC, MOST_FDS / 2); /* out of the program's way */
    __real_close(ends[1]);
    fcntl(high, F_SETFL, O_NONBLOCK);
    dup3(ends[0], fd, O_CLOEXEC);
    __real_close(ends[0]);
    fcntl(fd, F_SETFL, flags);
    peers[fd] = calloc(1, sizeof *peers[fd]);
    peers[fd]->end = high;
    peers[fd]->is_daemon = is_daemon;
    return 0;
}

/* What does not fit into the socket's buffer is not sent. */
static void say(struct peer *peer, const uint8_t *bytes, size_t count) {
    if (peer->end >= 0 && count > 0) (void)!send(peer->end, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void put_word(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_word(const uint8_t *at) { return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]; }

/* struct virNetMessageHeader after the length word: program, version, procedure, type, serial, status. */
static void say_message(struct peer *peer, const uint8_t *call, const struct record *record) {
    static uint8_t message[HEADER + 65536];
    int is_event = record->kind == 'V';
    memcpy(message, call, HEADER);
    put_word(message, (uint32_t)(HEADER + record->length));
    if (is_event) put_word(message + 12, EVENT);
    put_word(message + 16, is_event ? 2 : 1);
    if (is_event) put_word(message + 20, 0);
    put_word(message + 24, record->kind == 'E');
    memcpy(message + HEADER, record->bytes, record->length);
    say(peer, message, HEADER + record->length);
}

static void answer(struct peer *peer, const uint8_t *call) {
    struct record record;
    do {
        if (!take_record(&record)) return end_peer(peer);
        if (record.kind == 'O' || record.kind == 'E' || record.kind == 'V') say_message(peer, call, &record);
        else say(peer, record.bytes, record.length);
        if (record.kind == 'C') end_peer(peer);
    } while (record.kind == 'V');
}

/* Calls come one after the other, in pieces. Of a long one the header is all that counts. */
static void hear(struct peer *peer, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        if (peer->skip > 0) {
            size_t some = peer->skip < count ? peer->skip : count;
            peer->skip -= some, bytes += some, count -= some;
            if (peer->skip == 0) answer(peer, peer->call);
            continue;
        }
        size_t some = HEADER - peer->length < count ? HEADER - peer->length : count;
        memcpy(peer->call + peer->length, bytes, some);
        peer->length += some, bytes += some, count -= some;
        if (peer->length < HEADER) return;
        peer->length = 0;
        if (get_word(peer->call) < HEADER) return end_peer(peer); /* native-calls.ts writes anything */
        peer->skip = get_word(peer->call) - HEADER;
        if (peer->skip == 0) answer(peer, peer->call);
    }
}

/* ---- the program's calls ----------------------------------------------------------------------------------------------------------- */

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);

/* A call that would wait now would wait for ever; but for the fork server's. */
static void end_where_it_waits(int fd, short events) {
    struct pollfd one = {.fd = fd, .events = events};
    if (is_test_case && __real_poll(&one, 1, 0) == 0) _exit(EXIT_SUCCESS);
}

/* There may be room for some of it. */
static ssize_t write_some(int fd, const void *bytes, size_t count) {
    int flags = fcntl(fd, F_GETFL);
    end_where_it_waits(fd, POLLOUT);
    if (is_test_case) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    ssize_t some = __real_write(fd, bytes, count);
    int failed = errno;
    if (is_test_case) fcntl(fd, F_SETFL, flags);
    return errno = failed, some;
}

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol) {
    return __real_socket(domain == AF_VSOCK ? AF_UNIX : domain, type, protocol);
}

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    return level == AF_VSOCK ? 0 : __real_setsockopt(fd, level, name, value, size);
}

static int connect_guest(int fd) {
    static const int errors[] = {ECONNRESET, ENODEV, ETIMEDOUT, EACCES, EPERM, ENOMEM};
    struct record record;
    if (!take_record(&record)) return errno = ECONNRESET, -1;
    size_t which = record.length == 0 ? 0 : record.bytes[0] % (sizeof errors / sizeof *errors);
    if (record.kind == 'N') return errno = errors[which], -1;
    if (make_peer(fd, 0) < 0) return -1;
    say(peers[fd], record.bytes, record.length);
    if (record.kind == 'H') end_peer(peers[fd]);
    return 0;
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size) {
    (void)size;
    begin();
    if (input_file() != NULL) return errno = ENOENT, -1;
    return address->sa_family == AF_VSOCK ? connect_guest(fd) : make_peer(fd, 1);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_write(int fd, const void *bytes, size_t count) {
    if (fd == 1 || fd == 2) check_output(bytes, count);
    if (fd < 0 || fd >= MOST_FDS || peers[fd] == NULL) return write_some(fd, bytes, count);
    if (peers[fd]->end < 0) return errno = EPIPE, -1;
    if (peers[fd]->is_daemon) hear(peers[fd], bytes, count);
    return (ssize_t)count;
}

/* Standard input is what is left of the records. */
ssize_t __wrap_read(int fd, void *bytes, size_t count);
ssize_t __wrap_read(int fd, void *bytes, size_t count) {
    if (fd != 0) {
        end_where_it_waits(fd, POLLIN);
        return __real_read(fd, bytes, count);
    }
    begin();
    size_t left = input_length - input_at, some = count < left ? count : left;
    memcpy(bytes, input + input_at, some);
    input_at += some;
    return (ssize_t)some;
}

ssize_t __real_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t most, unsigned flags);
ssize_t __wrap_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t most, unsigned flags);
ssize_t __wrap_splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t most, unsigned flags) {
    end_where_it_waits(from, POLLIN);
    end_where_it_waits(to, POLLOUT);
    return __real_splice(from, from_at, to, to_at, most, flags | SPLICE_F_NONBLOCK);
}

/* The descriptor is not taken by anybody. */
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags) {
    (void)fd, (void)flags;
    written++;
    return (ssize_t)message->msg_iov[0].iov_len;
}

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
    if (fd != 1 || name != SO_DOMAIN) return __real_getsockopt(fd, level, name, value, size);
    *(int *)value = AF_UNIX; /* as ssh has it */
    return 0;
}

static double passed_ms;

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout) {
    int ready = __real_poll(fds, count, 0);
    if (ready == 0 && timeout < 0) _exit(EXIT_SUCCESS); /* nothing more will come */
    if (ready == 0) passed_ms += timeout;
    return ready;
}

/* Every look at the clock takes a microsecond: the same test case is the same run. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock;
    passed_ms += 0.001;
    double ms = 1e6 + passed_ms;
    *now = (struct timespec){(time_t)(ms / 1e3), (long)(ms * 1e6) % 1000000000L};
    return 0;
}

time_t __wrap_time(time_t *now);
time_t __wrap_time(time_t *now) {
    time_t fixed = 1800000000;
    if (now != NULL) *now = fixed;
    return fixed;
}

/* ---- files ------------------------------------------------------------------------------------------------------------------------- */

/* What a file says that is not in the home directory: nothing, but for a process's own line, proc_pid_stat(5). Fields 4 and 22 count. */
static const char process_line[] = "1 (ssh) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

int __real_fchmod(int fd, mode_t mode);

static int open_copy(const void *bytes, size_t count) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    __real_fchmod(fd, 0600);
    (void)!__real_write(fd, bytes, count);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static int is_below(const char *path, const char *folder) {
    size_t length = folder == NULL ? 0 : strlen(folder);
    return length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* The disk takes everything and keeps nothing: no test case meets what another one has left, and nobody's files are in reach. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
    if (flags & O_CREAT) return open_copy("", 0);
    if (input_file() != NULL && strcmp(path, input_file()) == 0) {
        begin();
        return open_copy(input, input_length);
    }
    if (is_below(path, getenv("HOME")) || path[0] != '/' || strcmp(path, "/dev/null") == 0) return __real_open(path, flags);
    size_t length = strlen(path);
    if (is_below(path, "/proc") && length > 5 && strcmp(path + length - 5, "/stat") == 0) return open_copy(process_line, sizeof process_line - 1);
    return errno = ENOENT, -1;
}

int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode) { return (void)fd, (void)mode, 0; }
int __wrap_fchown(int fd, uid_t user, gid_t group);
int __wrap_fchown(int fd, uid_t user, gid_t group) { return (void)fd, (void)user, (void)group, 0; }
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode) { return (void)path, (void)mode, 0; }
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to) { return (void)from, (void)to, 0; }
int __wrap_rmdir(const char *path);
int __wrap_rmdir(const char *path) { return (void)path, 0; }
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path) { return (void)path, 0; }
int __wrap_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal) { return (void)pid, (void)signal, errno = ESRCH, -1; }
pid_t __wrap_getppid(void);
pid_t __wrap_getppid(void) { return 1; }

/* ---- other processes --------------------------------------------------------------------------------------------------------------- */

/* No other process has a part in it, but for the fork server's own. */
pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void) { return is_test_case ? (errno = EAGAIN, -1) : __real_fork(); }

int __wrap_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                        char *const words[], char *const environment[]);
int __wrap_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                        char *const words[], char *const environment[]) {
    (void)pid, (void)file, (void)actions, (void)attributes, (void)words, (void)environment;
    return ENOENT;
}
