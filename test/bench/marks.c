/* Linked into a build for the profile alone, by ld's --wrap: when each of these functions is entered and left, as lines "NS NAME" and
   "NS NAME." in the file $VIRTSSH_MARKS, to which they are added when the program ends; "written" is the last of them, since what is
   written down takes time, too. Calls to a libvirt daemon are "write:PROCEDURE". Nothing in the product's source knows of it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <quickjs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "libvirt-wire.h"

enum { MOST = 1024 };

static struct mark {
    long long ns;
    const char *name;
    int is_end;
    uint32_t procedure;
} marks[MOST];
static int count;

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static struct mark *mark(const char *name, int is_end) {
    if (count == MOST) count--; /* who reads them sees that some are missing: they are not in pairs */
    marks[count] = (struct mark){now_ns(), name, is_end, 0};
    return &marks[count++];
}

#define WRAP(type, name, parameters, arguments) \
    type __real_##name parameters;              \
    type __wrap_##name parameters;              \
    type __wrap_##name parameters {             \
        mark(#name, 0);                         \
        type result = __real_##name arguments;  \
        mark(#name, 1);                         \
        return result;                          \
    }

WRAP(JSRuntime *, JS_NewRuntime2, (const JSMallocFunctions *functions, void *opaque), (functions, opaque))
WRAP(JSContext *, JS_NewContextRaw, (JSRuntime *runtime), (runtime))
WRAP(JSValue, JS_ReadObject, (JSContext *ctx, const uint8_t *bytes, size_t size, int flags), (ctx, bytes, size, flags))
WRAP(JSValue, JS_EvalFunction, (JSContext *ctx, JSValue function), (ctx, function))
WRAP(int, JS_ResolveModule, (JSContext *ctx, JSValueConst module), (ctx, module))
WRAP(int, JS_ExecutePendingJob, (JSRuntime *runtime, JSContext **ctx), (runtime, ctx))
WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
WRAP(int, poll, (struct pollfd * fds, nfds_t number, int timeout), (fds, number, timeout))
WRAP(ssize_t, read, (int fd, void *bytes, size_t size), (fd, bytes, size))

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size) {
    struct mark *begun = mark("write", 0);
    const uint8_t *message = bytes;
    if (size >= HEADER_BYTES && get_word(message + 4) == PROGRAM) begun->procedure = get_word(message + PROCEDURE_AT);
    ssize_t result = __real_write(fd, bytes, size);
    mark("write", 1);
    return result;
}

int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);
int __wrap_main(int argc, char **argv) {
    mark("main", 0);
    return __real_main(argc, argv);
}

_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);
_Noreturn void __wrap_exit(int status) {
    mark("exit", 0);
    const char *path = getenv("VIRTSSH_MARKS");
    FILE *file = path == NULL ? NULL : fopen(path, "a");
    for (int i = 0; file != NULL && i < count; i++) {
        fprintf(file, "%lld %s", marks[i].ns, marks[i].name);
        if (marks[i].procedure != 0) fprintf(file, ":%u", marks[i].procedure);
        fputs(marks[i].is_end ? ".\n" : "\n", file);
    }
    if (file != NULL) {
        fflush(file);
        fprintf(file, "%lld written\n", now_ns());
        fclose(file);
    }
    __real_exit(status);
}
