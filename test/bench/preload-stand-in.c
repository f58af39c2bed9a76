/* The stand-in for AF_VSOCK of test/fakes/vsock-stand-in.c, as a library for LD_PRELOAD: for programs that are not ours to link. */
#include "../fakes/vsock-stand-in.c"

#include <sys/syscall.h>
#include <unistd.h>

int __real_socket(int domain, int type, int protocol) { return (int)syscall(SYS_socket, domain, type, protocol); }
int __real_connect(int fd, const struct sockaddr *address, socklen_t size) {
    return (int)syscall(SYS_connect, fd, address, size);
}
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

int socket(int domain, int type, int protocol) { return __wrap_socket(domain, type, protocol); }
int connect(int fd, const struct sockaddr *address, socklen_t size) { return __wrap_connect(fd, address, size); }
int setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    return __wrap_setsockopt(fd, level, name, value, size);
}
