/*
 * Stands in for AF_VSOCK in the checked build: socket(), connect() and setsockopt() of the program are linked to these
 * (ld's --wrap), which lead CID 7, port 22 to the AF_UNIX socket $VIRTSSH_TEST_VSOCK/7-22. On a development machine a real
 * AF_VSOCK socket would lead to the machine's own host.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h> /* before vm_sockets.h, which did not say that it needs it */
#include <linux/vm_sockets.h>
#include <sys/un.h>

int __real_socket(int domain, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);

int __wrap_socket(int domain, int type, int protocol) {
    return __real_socket(domain == AF_VSOCK ? AF_UNIX : domain, type, protocol);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    return level == AF_VSOCK ? 0 : __real_setsockopt(fd, level, name, value, size);
}

/* What nobody has made a socket for is what VSOCK calls it: ENODEV for the CID, ECONNRESET for the port. */
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size) {
    if (address->sa_family != AF_VSOCK) return __real_connect(fd, address, size);
    struct sockaddr_vm guest;
    memcpy(&guest, address, sizeof guest);
    struct sockaddr_un stand_in = {.sun_family = AF_UNIX};
    const char *folder = getenv("VIRTSSH_TEST_VSOCK");
    int length = snprintf(stand_in.sun_path, sizeof stand_in.sun_path, "%s/%u-%u", folder == NULL ? "/nonexistent" : folder,
                          guest.svm_cid, guest.svm_port);
    if (length < 0 || (size_t)length >= sizeof stand_in.sun_path) return errno = ENAMETOOLONG, -1;
    int failed = __real_connect(fd, (struct sockaddr *)&stand_in, sizeof stand_in);
    if (failed < 0) errno = errno == ENOENT ? ENODEV : errno == ECONNREFUSED ? ECONNRESET : errno == EAGAIN ? ETIMEDOUT : errno;
    return failed;
}
