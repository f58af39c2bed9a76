/* floor resolve|proxy NAME: what `virtssh resolve qemu:system/NAME` and `virtssh proxy --fdpass` say on the wire, and nothing more:
   the least that a program of this kind can take. `proxy` goes as far as the connect, and gives what it has connected to ssh. No
   deadlines, no checks of what the daemon says, a plain search for the CID: nothing to be used. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h> /* before vm_sockets.h, which did not say that it needs it */
#include <linux/vm_sockets.h>
#include <sys/un.h>
#include <unistd.h>

#include "libvirt-wire.h"

static int daemon_fd;
static uint8_t buffer[8192];
static size_t have, taken;

static _Noreturn void fail(const char *what) {
    dprintf(STDERR_FILENO, "floor: %s\n", what);
    exit(1);
}

static void connect_daemon(void) {
    static const char *paths[] = {"/run/libvirt/virtqemud-sock-ro", "/run/libvirt/libvirt-sock-ro"};
    for (int i = 0; i < 2; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strcpy(address.sun_path, paths[i]);
        daemon_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(daemon_fd, (struct sockaddr *)&address, sizeof address) == 0) return;
        close(daemon_fd);
    }
    fail("no daemon");
}

/* A call's message, behind those that are in `message` already. */
static uint8_t *put_call(uint8_t *message, uint32_t procedure, const uint8_t *body, size_t length) {
    static uint32_t serial;
    if (length > 0) memcpy(message + HEADER_BYTES, body, length);
    uint8_t *end = message + HEADER_BYTES + length;
    put_header(message, end, (uint32_t[]){procedure, CALL, ++serial});
    return end;
}

static void send_all(const uint8_t *start, const uint8_t *end) {
    if (write(daemon_fd, start, (size_t)(end - start)) != end - start) fail("cannot write");
}

static void read_exactly(uint8_t *into, size_t length) {
    while (length > 0) {
        if (taken == have) {
            ssize_t count = length >= sizeof buffer ? read(daemon_fd, into, length) : read(daemon_fd, buffer, sizeof buffer);
            if (count <= 0) fail("the daemon has closed");
            if (length >= sizeof buffer) {
                into += count;
                length -= (size_t)count;
                continue;
            }
            taken = 0;
            have = (size_t)count;
        }
        size_t part = have - taken < length ? have - taken : length;
        memcpy(into, buffer + taken, part);
        taken += part;
        into += part;
        length -= part;
    }
}

/* The next answer's body, which is the caller's; its procedure. */
static uint32_t receive(uint8_t **body, size_t *length) {
    uint8_t header[HEADER_BYTES];
    read_exactly(header, sizeof header);
    if (get_word(header + STATUS_AT) != 0) fail("the daemon refuses");
    *length = get_word(header) - HEADER_BYTES;
    *body = malloc(*length + 1);
    read_exactly(*body, *length);
    (*body)[*length] = 0;
    return get_word(header + PROCEDURE_AT);
}

static uint8_t *ask(uint32_t procedure, const uint8_t *body, size_t length) {
    uint8_t message[4096], *answer;
    size_t size;
    send_all(message, put_call(message, procedure, body, length));
    receive(&answer, &size);
    return answer;
}

/* State and XML are asked for at once, and may be answered in any order. */
static const char *read_domain(const uint8_t *domain, size_t length, uint32_t *state) {
    uint8_t message[8192], arguments[4096], *answer, *xml = NULL;
    size_t size;
    memcpy(arguments, domain, length);
    put_word(arguments + length, 0); /* flags */
    uint8_t *end = put_call(message, DOMAIN_GET_STATE, arguments, length + 4);
    send_all(message, put_call(end, DOMAIN_GET_XML_DESC, arguments, length + 4));
    for (int left = 2; left > 0; left--) {
        if (receive(&answer, &size) == DOMAIN_GET_STATE) *state = get_word(answer);
        else xml = answer + 4;
    }
    return (const char *)xml;
}

static unsigned find_number(const char *xml, const char *const words[3]) {
    for (int i = 0; i < 3 && xml != NULL; i++) xml = strstr(xml, words[i]);
    return xml == NULL ? 0 : (unsigned)strtoul(strchr(xml, '\'') + 1, NULL, 10);
}

/* As ssh wants it: mm_receive_fd() in OpenSSH's monitor_fdpass.c. */
static int hand_over(int guest) {
    char nul = 0, control[CMSG_SPACE(sizeof guest)];
    memset(control, 0, sizeof control);
    struct iovec byte = {.iov_base = &nul, .iov_len = 1};
    struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof guest)};
    memcpy(CMSG_DATA(header), &guest, sizeof guest);
    return sendmsg(STDOUT_FILENO, &message, MSG_NOSIGNAL) == 1 ? 0 : 1;
}

static int connect_guest(unsigned cid) {
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = 22};
    int guest = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return guest >= 0 && connect(guest, (struct sockaddr *)&address, sizeof address) == 0 ? guest : -1;
}

static int print_domain(const char *name, const uint8_t *uuid, const uint32_t numbers[2]) {
    printf("uri:   qemu:///system\nname:  %s\nuuid:  ", name);
    for (int i = 0; i < UUID_BYTES; i++) printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    printf("\nid:    %u\nstate: %u\ncid:   %u\nport:  22\n", get_word(uuid + UUID_BYTES), numbers[0], numbers[1]);
    return fflush(stdout);
}

int main(int argc, char **argv) {
    uint8_t body[512], farewell[HEADER_BYTES], *at, *answer;
    uint32_t state = 0;
    size_t size;
    if (argc != 3 || strlen(argv[2]) > 255) return 2;
    connect_daemon();
    ask(AUTH_LIST, NULL, 0);
    at = put_text(put_word(body, 1), "qemu:///system", 14);
    ask(CONNECT_OPEN, body, (size_t)(put_word(at, 1 /* VIR_CONNECT_RO */) - body));
    const uint8_t *domain = ask(DOMAIN_LOOKUP_BY_NAME, body, (size_t)(put_text(body, argv[2], strlen(argv[2])) - body));
    size_t length = 4 + padded(get_word(domain)) + UUID_BYTES + 4;
    const char *xml = read_domain(domain, length, &state);
    unsigned cid = find_number(xml, (const char *const[]){"<vsock", "<cid", "address="});
    if (cid == 0) fail("no vsock device");
    int is_proxy = strcmp(argv[1], "proxy") == 0, guest = is_proxy ? connect_guest(cid) : -1;
    send_all(farewell, put_call(farewell, CONNECT_CLOSE, NULL, 0)); /* which the daemon answers meanwhile */
    int failed = is_proxy ? (guest < 0 ? (fputs("floor: cannot connect\n", stderr), 1) : hand_over(guest))
                          : print_domain(argv[2], domain + length - 4 - UUID_BYTES, (uint32_t[]){state, cid});
    receive(&answer, &size);
    return failed == 0 ? 0 : 1;
}
