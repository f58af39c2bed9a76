/*
 * virtssh:native, the system calls that no JavaScript engine has, and findChild(). Each function is one call or one indivisible act,
 * and knows nothing of libvirt or ssh. All but that one return a number that is 0 or more, or the negative errno; descriptors are
 * opened with CLOEXEC; EINTR is retried. Waiting is bounded by an absolute deadline on CLOCK_MONOTONIC, in milliseconds; infinity
 * waits for ever.
 */
#include "native.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h> /* before vm_sockets.h, which did not say that it needs it */
#include <linux/vm_sockets.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RETRY(call) ({ long r_; do r_ = (call); while (r_ < 0 && errno == EINTR); r_ < 0 ? -errno : r_; })
#define NATIVE(name) \
    static JSValue name(JSContext *ctx, __attribute__((unused)) JSValueConst self, \
                        __attribute__((unused)) int argc, __attribute__((unused)) JSValueConst *argv)
/* Declare a variable with the value of an argument, or leave with the exception that the engine has thrown. */
#define INT(name, index) int name; if (JS_ToInt32(ctx, &name, argv[index])) return JS_EXCEPTION
#define NUMBER(name, index) double name; if (JS_ToFloat64(ctx, &name, argv[index])) return JS_EXCEPTION
#define UNSIGNED(name, index) \
    NUMBER(name##_given, index); \
    if (!(name##_given >= 0 && name##_given <= UINT32_MAX)) return result(ctx, -EINVAL); /* as C converts it, it could be any number */ \
    uint32_t name = (uint32_t)name##_given
#define TEXT(name, index) const char *name = JS_ToCString(ctx, argv[index]); if (name == NULL) return JS_EXCEPTION

extern char **environ;

static JSValue result(JSContext *ctx, long value) { return JS_NewInt64(ctx, value); }

static JSValue list(JSContext *ctx, uint32_t count, const long *values) {
    JSValue array = JS_NewArray(ctx);
    for (uint32_t i = 0; i < count; i++) JS_SetPropertyUint32(ctx, array, i, JS_NewInt64(ctx, values[i]));
    return array;
}

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* For poll(2): rounded up, so that a deadline is never met early; -1 for ever. */
static int left_ms(double deadline) {
    if (deadline == INFINITY) return -1;
    double left = ceil(deadline - now_ms());
    return left > 1e9 ? 1000000000 : left > 0 ? (int)left : 0; /* 0 for what is no number, too */
}

/* The memory behind a Uint8Array; NULL, with an exception thrown, for anything else. Valid until the engine runs again. */
static uint8_t *get_bytes(JSContext *ctx, JSValueConst value, size_t *length) {
    size_t offset, size;
    JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, &offset, length, NULL);
    if (JS_IsException(buffer)) return NULL;
    uint8_t *start = JS_GetArrayBuffer(ctx, &size, buffer);
    JS_FreeValue(ctx, buffer); /* the view keeps it alive */
    return start == NULL ? NULL : start + offset;
}

NATIVE(native_now_ms) {
    return JS_NewFloat64(ctx, now_ms());
}

NATIVE(native_user_id) {
    return result(ctx, geteuid());
}

NATIVE(native_parent_id) { /* (): 0 for a parent in another PID namespace */
    return result(ctx, getppid());
}

NATIVE(native_unix_time) { /* (): seconds since 1970, in UTC */
    return result(ctx, time(NULL));
}

NATIVE(native_environment) {
    TEXT(name, 0);
    const char *value = getenv(name);
    JS_FreeCString(ctx, name);
    return value == NULL ? JS_UNDEFINED : JS_NewString(ctx, value);
}

NATIVE(native_exit) {
    INT(status, 0);
    exit(status);
}

NATIVE(native_close) {
    INT(fd, 0);
    return result(ctx, close(fd) < 0 ? -errno : 0); /* Linux has closed it even after EINTR: close(2) */
}

NATIVE(native_open) { /* (path): for reading */
    TEXT(path, 0);
    long fd = RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    JS_FreeCString(ctx, path);
    return result(ctx, fd);
}

NATIVE(native_open_itself) { /* (path): for reading; not through a symbolic link, and without waiting for a FIFO's writer */
    TEXT(path, 0);
    long fd = RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK));
    JS_FreeCString(ctx, path);
    return result(ctx, fd);
}

static JSValue facts_or_errno(JSContext *ctx, int failed, const struct stat *facts) {
    if (failed) return result(ctx, -failed);
    return list(ctx, 3, (long[]){facts->st_mode, facts->st_uid, facts->st_gid});
}

NATIVE(native_stat) { /* (path): [mode, uid, gid], or the negative errno */
    struct stat facts;
    TEXT(path, 0);
    int failed = stat(path, &facts) < 0 ? errno : 0;
    JS_FreeCString(ctx, path);
    return facts_or_errno(ctx, failed, &facts);
}

NATIVE(native_stat_itself) { /* (path): the same, of a symbolic link itself */
    struct stat facts;
    TEXT(path, 0);
    int failed = lstat(path, &facts) < 0 ? errno : 0;
    JS_FreeCString(ctx, path);
    return facts_or_errno(ctx, failed, &facts);
}

NATIVE(native_stat_open) { /* (fd): the same, of what is open */
    INT(fd, 0);
    struct stat facts;
    return facts_or_errno(ctx, fstat(fd, &facts) < 0 ? errno : 0, &facts);
}

/* (path, milliseconds): a connected socket. connect(2) on AF_UNIX has no event to poll for while the listener's queue is full: it
   waits as long as SO_SNDTIMEO says, and then gives EAGAIN. So does one that a signal interrupts: begun anew here it would wait as
   long again, and for ever under signals without end (signal(7): a socket with a timeout is interrupted by SIGCONT, too). Once
   connected it does not block, or each write(2) would do the same. */
NATIVE(native_connect_unix) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    INT(wait_ms, 1);
    TEXT(path, 0);
    size_t length = strlen(path);
    if (length < sizeof address.sun_path) memcpy(address.sun_path, path, length);
    JS_FreeCString(ctx, path);
    if (length >= sizeof address.sun_path) return result(ctx, -ENAMETOOLONG);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return result(ctx, -errno);
    struct timeval limit = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int failed = connect(fd, (struct sockaddr *)&address, sizeof address) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? errno : 0;
    if (failed) close(fd);
    return result(ctx, failed ? -(failed == EINTR ? EAGAIN : failed) : fd);
}

NATIVE(native_socket_vsock) { /* (): a socket that does not block */
    return result(ctx, RETRY(socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
}

/* (fd, cid, port, milliseconds): begins to connect. The kernel's own limit, 2 s, gives way to ours. */
NATIVE(native_connect_vsock) {
    INT(fd, 0);
    UNSIGNED(cid, 1);
    UNSIGNED(port, 2);
    INT(wait_ms, 3);
    struct timeval limit = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &limit, sizeof limit);
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
    return result(ctx, RETRY(connect(fd, (struct sockaddr *)&address, sizeof address)));
}

NATIVE(native_socket_error) { /* (fd): the errno that a connect came to, positive; 0 once connected */
    INT(fd, 0);
    int error = 0;
    socklen_t size = sizeof error;
    return result(ctx, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : error);
}

NATIVE(native_set_blocking) {
    INT(fd, 0);
    int flags = fcntl(fd, F_GETFL);
    return result(ctx, flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0);
}

NATIVE(native_socket_domain) { /* (fd): AF_UNIX is 1 */
    INT(fd, 0);
    int domain = 0;
    socklen_t size = sizeof domain;
    return result(ctx, getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 ? -errno : domain);
}

/* (fd, events, other, waker, deadline): waits for events on fd, or until `other` (-1 for none) has ended, or until there is
   something to read from `waker` (-1 for none). Returns the events of fd, with 0x10000 added if `other` has ended, and 0x20000
   if `waker` is readable or has ended; 0 at the deadline. */
NATIVE(native_poll) {
    INT(fd, 0);
    INT(events, 1);
    INT(other, 2);
    INT(waker, 3);
    NUMBER(deadline, 4);
    struct pollfd fds[3] = {{.fd = fd, .events = (short)events}, {.fd = other}, {.fd = waker, .events = POLLIN}};
    long ready = RETRY(poll(fds, 3, left_ms(deadline)));
    if (ready <= 0) return result(ctx, ready);
    return result(ctx, (unsigned short)fds[0].revents | (fds[1].revents & (POLLHUP | POLLERR) ? 0x10000 : 0) |
                           (fds[2].revents ? 0x20000 : 0));
}

/* (table, deadline): poll(2) on a table of struct pollfd, which is filled in. How many are ready; 0 at the deadline. */
NATIVE(native_poll_all) {
    NUMBER(deadline, 1);
    size_t length;
    uint8_t *bytes = get_bytes(ctx, argv[0], &length);
    if (bytes == NULL) return JS_EXCEPTION;
    if ((uintptr_t)bytes % _Alignof(struct pollfd)) return result(ctx, -EINVAL);
    struct pollfd *table = (struct pollfd *)(void *)bytes;
    return result(ctx, RETRY(poll(table, length / sizeof *table, left_ms(deadline))));
}

NATIVE(native_collect) { /* (): frees what refers to itself, which main.c never has the engine look for by itself */
    JS_RunGC(JS_GetRuntime(ctx));
    return result(ctx, 0);
}

NATIVE(native_read) { /* (fd, bytes) */
    INT(fd, 0);
    size_t length;
    uint8_t *bytes = get_bytes(ctx, argv[1], &length);
    if (bytes == NULL) return JS_EXCEPTION;
    return result(ctx, RETRY(read(fd, bytes, length)));
}

NATIVE(native_peek) { /* (fd, bytes): what could be read from a socket now, and stays there to be read */
    INT(fd, 0);
    size_t length;
    uint8_t *bytes = get_bytes(ctx, argv[1], &length);
    if (bytes == NULL) return JS_EXCEPTION;
    return result(ctx, RETRY(recv(fd, bytes, length, MSG_PEEK | MSG_DONTWAIT)));
}

NATIVE(native_write) { /* (fd, bytes): how many were taken */
    INT(fd, 0);
    size_t length;
    uint8_t *bytes = get_bytes(ctx, argv[1], &length);
    if (bytes == NULL) return JS_EXCEPTION;
    return result(ctx, RETRY(write(fd, bytes, length)));
}

/* (over, fd): ssh reads exactly one byte with the descriptor: mm_receive_fd() in OpenSSH's monitor_fdpass.c. */
NATIVE(native_send_fd) {
    INT(over, 0);
    INT(fd, 1);
    char nul = 0;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec byte = {.iov_base = &nul, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return result(ctx, RETRY(sendmsg(over, &message, MSG_NOSIGNAL)));
}

NATIVE(native_pipe) { /* (): [read end, write end], or the negative errno */
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return result(ctx, -errno);
    return list(ctx, 2, (long[]){ends[0], ends[1]});
}

NATIVE(native_splice) { /* (from, to, most) */
    INT(from, 0);
    INT(to, 1);
    INT(most, 2);
    return result(ctx, RETRY(splice(from, NULL, to, NULL, (size_t)most, SPLICE_F_MOVE)));
}

NATIVE(native_abandon) { /* (fd): puts /dev/null in its place */
    INT(fd, 0);
    int null = (int)RETRY(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null < 0) return result(ctx, null);
    long failed = RETRY(dup2(null, fd));
    close(null);
    return result(ctx, failed < 0 ? failed : 0);
}

NATIVE(native_shutdown_write) {
    INT(fd, 0);
    return result(ctx, shutdown(fd, SHUT_WR) < 0 ? -errno : 0);
}

/* (fd): an empty message, which tells whether the peer still reads: the kernel looks at the peer's shutdown before the length. */
NATIVE(native_probe_write) {
    INT(fd, 0);
    return result(ctx, RETRY(send(fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT)));
}

/* (): 0 in the child, which ends when its parent does. */
NATIVE(native_fork) {
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(0); /* it ended in between */
    }
    return result(ctx, child < 0 ? -errno : child);
}

NATIVE(native_kill) { /* (pid, signal) */
    INT(pid, 0);
    INT(signal, 1);
    return result(ctx, kill(pid, signal) < 0 ? -errno : 0);
}

/* (pid, deadline): waits for a child. Its exit status, 128 and the signal that ended it, or -ETIMEDOUT. */
NATIVE(native_wait) {
    INT(pid, 0);
    NUMBER(deadline, 1);
    int status;
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    if (ended.fd < 0) return result(ctx, -errno);
    long ready = RETRY(poll(&ended, 1, left_ms(deadline)));
    close(ended.fd);
    if (ready <= 0) return result(ctx, ready < 0 ? ready : -ETIMEDOUT);
    long waited = RETRY(waitpid(pid, &status, 0));
    if (waited < 0) return result(ctx, waited);
    return result(ctx, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* (words, output): a child that runs words[0], found as the shell finds it, in a session of its own, with no input, its output and
   errors led to `output` (-1 for nowhere), nothing else of ours open, and no signal ignored or blocked. Its pid. */
NATIVE(native_spawn) {
    enum { MOST = 16 };
    INT(output, 1);
    char *words[MOST + 1] = {NULL};
    int count = 0, failed = 0;
    for (; count < MOST && !failed; count++) {
        JSValue word = JS_GetPropertyUint32(ctx, argv[0], (uint32_t)count);
        if (JS_IsUndefined(word)) break;
        words[count] = (char *)JS_ToCString(ctx, word);
        JS_FreeValue(ctx, word);
        failed = words[count] == NULL;
    }
    pid_t pid = -E2BIG;
    if (!failed && count > 0 && count < MOST) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t all, none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
        for (int fd = 1; fd <= 2; fd++) posix_spawn_file_actions_adddup2(&actions, output < 0 ? 0 : output, fd);
        posix_spawn_file_actions_addclosefrom_np(&actions, 3);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        int refused = posix_spawnp(&pid, words[0], &actions, &attributes, words, environ);
        if (refused) pid = -refused;
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
    }
    for (int i = 0; i < count; i++) JS_FreeCString(ctx, words[i]);
    return failed ? JS_EXCEPTION : result(ctx, pid);
}

NATIVE(native_is_terminal) {
    INT(fd, 0);
    return JS_NewBool(ctx, isatty(fd));
}

static JSValue text_or_errno(JSContext *ctx, const char *text) {
    return text == NULL ? result(ctx, -errno) : JS_NewString(ctx, text);
}

NATIVE(native_real_path) { /* (path): with every symbolic link followed, or the negative errno */
    char resolved[PATH_MAX];
    TEXT(path, 0);
    JSValue found = text_or_errno(ctx, realpath(path, resolved));
    JS_FreeCString(ctx, path);
    return found;
}

NATIVE(native_read_link) { /* (path): where the symbolic link leads, or the negative errno */
    char target[PATH_MAX];
    TEXT(path, 0);
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = 0;
    JSValue found = text_or_errno(ctx, length < 0 ? NULL : target);
    JS_FreeCString(ctx, path);
    return found;
}

NATIVE(native_create) { /* (path, mode): for writing; there must be nothing of that name */
    INT(mode, 1);
    TEXT(path, 0);
    long fd = RETRY(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode));
    JS_FreeCString(ctx, path);
    return result(ctx, fd);
}

NATIVE(native_set_mode) { /* (fd, mode) */
    INT(fd, 0);
    INT(mode, 1);
    return result(ctx, fchmod(fd, (mode_t)mode) < 0 ? -errno : 0);
}

NATIVE(native_set_owner) { /* (fd, uid, gid) */
    INT(fd, 0);
    UNSIGNED(uid, 1);
    UNSIGNED(gid, 2);
    return result(ctx, fchown(fd, uid, gid) < 0 ? -errno : 0);
}

NATIVE(native_sync) { /* (fd): returns once it is on the disk */
    INT(fd, 0);
    return result(ctx, RETRY(fsync(fd)));
}

NATIVE(native_rename) { /* (from, to) */
    TEXT(from, 0);
    const char *to = JS_ToCString(ctx, argv[1]);
    int failed = to == NULL ? 0 : rename(from, to) < 0 ? errno : 0;
    JS_FreeCString(ctx, from);
    if (to == NULL) return JS_EXCEPTION;
    JS_FreeCString(ctx, to);
    return result(ctx, -failed);
}

NATIVE(native_remove) { /* (path): a file */
    TEXT(path, 0);
    int failed = unlink(path) < 0 ? errno : 0;
    JS_FreeCString(ctx, path);
    return result(ctx, -failed);
}

NATIVE(native_remove_directory) { /* (path): an empty one */
    TEXT(path, 0);
    int failed = rmdir(path) < 0 ? errno : 0;
    JS_FreeCString(ctx, path);
    return result(ctx, -failed);
}

NATIVE(native_make_directory) { /* (path, mode) */
    INT(mode, 1);
    TEXT(path, 0);
    int failed = mkdir(path, (mode_t)mode) < 0 ? errno : 0;
    JS_FreeCString(ctx, path);
    return result(ctx, -failed);
}

NATIVE(native_list_directory) { /* (path): the names in it, or the negative errno */
    TEXT(path, 0);
    DIR *directory = opendir(path);
    int failed = directory == NULL ? errno : 0;
    JS_FreeCString(ctx, path);
    if (failed) return result(ctx, -failed);
    JSValue names = JS_NewArray(ctx);
    uint32_t count = 0;
    for (struct dirent *entry; errno = 0, (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        JS_SetPropertyUint32(ctx, names, count++, JS_NewString(ctx, entry->d_name));
    }
    failed = errno; /* or it was the last name */
    closedir(directory);
    if (failed == 0) return names;
    JS_FreeValue(ctx, names);
    return result(ctx, -failed);
}

NATIVE(native_open_lock) { /* (path): a file that is there to be locked, made where there is none */
    TEXT(path, 0);
    long fd = RETRY(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0600));
    JS_FreeCString(ctx, path);
    return result(ctx, fd);
}

static void wake(int signal) { (void)signal; }

/* (fd, milliseconds): waits for an exclusive lock on the file, which ends with fd; -EINTR at the deadline. flock(2) has none of
   its own: a timer interrupts it, again and again, since the first signal may come just before it waits. */
NATIVE(native_lock) {
    INT(fd, 0);
    INT(wait_ms, 1);
    struct sigaction action = {.sa_handler = wake}, before;
    sigset_t alarm, mask;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    struct itimerval timer = {.it_value = {wait_ms / 1000, wait_ms % 1000 * 1000}, .it_interval = {0, 10000}}, off = {0};
    sigaction(SIGALRM, &action, &before);
    sigprocmask(SIG_UNBLOCK, &alarm, &mask); /* whoever started us may have blocked it */
    setitimer(ITIMER_REAL, &timer, NULL);
    int failed = flock(fd, LOCK_EX) < 0 ? errno : 0;
    setitimer(ITIMER_REAL, &off, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGALRM, &before, NULL);
    return result(ctx, -failed);
}

/* XML, the one thing here that asks nothing of the kernel: bytecode takes many times as long to go through a large domain's. */

typedef const uint8_t *place;

static place find_byte(place at, place end, int byte) { return memchr(at, byte, (size_t)(end - at)); }

/* Behind the next `mark`; NULL where there is none. */
static place find_behind(place at, place end, const char *mark) {
    place found = memmem(at, (size_t)(end - at), mark, strlen(mark));
    return found == NULL ? NULL : found + strlen(mark);
}

/* XML 1.0, 2.4 and 3.1: the `>` of a tag, which may stand inside quotes, too. */
static place find_tag_end(place at, place end) {
    place first = find_byte(at, end, '>');
    if (first == NULL) return NULL;
    /* `<` may not stand in a tag at all: without another `>` before the next one there is nothing to choose from. */
    place next = find_byte(at, end, '<');
    if ((next == NULL || next > first) && find_byte(first + 1, next == NULL ? end : next, '>') == NULL) return first;
    for (int quote = 0; at < end; at++) {
        if (quote != 0) quote = *at == quote ? 0 : quote;
        else if (*at == '>') return at;
        else if (*at == '"' || *at == '\'') quote = *at;
    }
    return NULL;
}

/* Behind the comment, CDATA or instruction that begins at `at`; NULL without an end, `at` for anything else with such a beginning. */
static place find_behind_other(place at, place end) {
    size_t left = (size_t)(end - at);
    if (at[1] == '?') return find_behind(at + 2, end, "?>");
    if (left >= 4 && memcmp(at, "<!--", 4) == 0) return find_behind(at + 4, end, "-->");
    if (left >= 9 && memcmp(at, "<![CDATA[", 9) == 0) return find_behind(at + 9, end, "]]>");
    return at;
}

static int has_name(place tag, place close, place name, size_t length) {
    if ((size_t)(close - tag) < length || memcmp(tag, name, length) != 0) return 0;
    return strchr(" \t\n\r/>", tag[length]) != NULL && tag[length] != 0;
}

enum { XML_CUT_SHORT = -1, XML_DOCTYPE = -2 };

/* The `<` of the next start tag of that name in the content that begins at `at`, of no element in it; else that of the content's end tag. */
static long find_child(place start, place at, place end, place name, size_t length) {
    for (size_t depth = 0; (at = find_byte(at, end, '<')) != NULL && end - at > 1;) {
        if (at[1] == '!' || at[1] == '?') {
            place behind = find_behind_other(at, end);
            if (behind == at) return XML_DOCTYPE;
            if (behind == NULL) break;
            at = behind;
            continue;
        }
        place close = find_tag_end(at + 1, end);
        if (close == NULL) break;
        if (depth == 0 && (at[1] == '/' || has_name(at + 1, close, name, length))) return at - start;
        if (at[1] == '/') depth--;
        else if (close[-1] != '/') depth++;
        at = close + 1;
    }
    return XML_CUT_SHORT;
}

NATIVE(native_find_child) { /* (xml, from, name): two Uint8Arrays; a place in the first one */
    INT(from, 1);
    size_t length, name_length;
    place xml = get_bytes(ctx, argv[0], &length);
    place name = xml == NULL ? NULL : get_bytes(ctx, argv[2], &name_length);
    if (name == NULL) return JS_EXCEPTION;
    if (from < 0 || (size_t)from > length) return result(ctx, XML_CUT_SHORT);
    return result(ctx, find_child(xml, xml + from, xml + length, name, name_length));
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("nowMs", 0, native_now_ms), JS_CFUNC_DEF("userId", 0, native_user_id),
    JS_CFUNC_DEF("environment", 1, native_environment), JS_CFUNC_DEF("exit", 1, native_exit),
    JS_CFUNC_DEF("close", 1, native_close), JS_CFUNC_DEF("open", 1, native_open),
    JS_CFUNC_DEF("stat", 1, native_stat), JS_CFUNC_DEF("connectUnix", 2, native_connect_unix),
    JS_CFUNC_DEF("socketVsock", 0, native_socket_vsock), JS_CFUNC_DEF("connectVsock", 4, native_connect_vsock),
    JS_CFUNC_DEF("socketError", 1, native_socket_error), JS_CFUNC_DEF("setBlocking", 1, native_set_blocking),
    JS_CFUNC_DEF("socketDomain", 1, native_socket_domain), JS_CFUNC_DEF("poll", 5, native_poll),
    JS_CFUNC_DEF("read", 2, native_read), JS_CFUNC_DEF("write", 2, native_write),
    JS_CFUNC_DEF("sendFd", 2, native_send_fd), JS_CFUNC_DEF("pipe", 0, native_pipe),
    JS_CFUNC_DEF("splice", 3, native_splice), JS_CFUNC_DEF("shutdownWrite", 1, native_shutdown_write), JS_CFUNC_DEF("abandon", 1, native_abandon),
    JS_CFUNC_DEF("probeWrite", 1, native_probe_write), JS_CFUNC_DEF("fork", 0, native_fork),
    JS_CFUNC_DEF("kill", 2, native_kill), JS_CFUNC_DEF("wait", 2, native_wait),
    JS_CFUNC_DEF("spawn", 2, native_spawn), JS_CFUNC_DEF("peek", 2, native_peek),
    JS_CFUNC_DEF("isTerminal", 1, native_is_terminal), JS_CFUNC_DEF("realPath", 1, native_real_path),
    JS_CFUNC_DEF("readLink", 1, native_read_link), JS_CFUNC_DEF("create", 2, native_create),
    JS_CFUNC_DEF("setMode", 2, native_set_mode), JS_CFUNC_DEF("setOwner", 3, native_set_owner),
    JS_CFUNC_DEF("sync", 1, native_sync), JS_CFUNC_DEF("rename", 2, native_rename),
    JS_CFUNC_DEF("remove", 1, native_remove), JS_CFUNC_DEF("makeDirectory", 2, native_make_directory),
    JS_CFUNC_DEF("removeDirectory", 1, native_remove_directory),
    JS_CFUNC_DEF("parentId", 0, native_parent_id), JS_CFUNC_DEF("unixTime", 0, native_unix_time),
    JS_CFUNC_DEF("openItself", 1, native_open_itself), JS_CFUNC_DEF("statItself", 1, native_stat_itself),
    JS_CFUNC_DEF("statOpen", 1, native_stat_open), JS_CFUNC_DEF("listDirectory", 1, native_list_directory),
    JS_CFUNC_DEF("openLock", 1, native_open_lock), JS_CFUNC_DEF("lock", 2, native_lock),
    JS_CFUNC_DEF("pollAll", 2, native_poll_all), JS_CFUNC_DEF("findChild", 3, native_find_child),
    JS_CFUNC_DEF("collect", 0, native_collect),
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static int fill_module(JSContext *ctx, JSModuleDef *module) {
    JSValue words = JS_NewArray(ctx);
    for (int i = 1; i < program_argc; i++)
        JS_SetPropertyUint32(ctx, words, (uint32_t)i - 1, JS_NewString(ctx, program_argv[i]));
    JS_SetModuleExportList(ctx, module, functions, FUNCTIONS);
    return JS_SetModuleExport(ctx, module, "args", words);
}

JSModuleDef *make_native_module(JSContext *ctx, const char *name) {
    JSModuleDef *module = JS_NewCModule(ctx, name, fill_module);
    if (module == NULL) return NULL;
    JS_AddModuleExportList(ctx, module, functions, FUNCTIONS);
    JS_AddModuleExport(ctx, module, "args");
    return module;
}
