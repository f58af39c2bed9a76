/* stand-in-daemon SOCKET COUNT FILE [LOG]: a libvirt daemon with COUNT running domains vm1, vm2, …, one client after the other, for
   benchmarks with more or larger domains than a machine can run. FILE is their XML, in which NAME-, ID- and CID-HERE are filled in;
   CIDs are 3 and up. It answers at once: times beside it have nothing of a daemon's own work in them. LOG gets a line for each
   client, of the procedures that it has called. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libvirt-wire.h"

enum { FIRST_CID = 3, RUNNING = 1, INT_PARAMETER = 1 };

struct text {
    char *start;
    size_t length;
};

static struct text *xmls;
static uint32_t domains;
static uint8_t *reply; /* with room for the longest answer */

static _Noreturn void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct text read_file(const char *path) {
    struct stat facts;
    FILE *file = fopen(path, "r");
    if (file == NULL || fstat(fileno(file), &facts) < 0) fail(path);
    struct text text = {malloc((size_t)facts.st_size + 1), (size_t)facts.st_size};
    if (fread(text.start, 1, text.length, file) != text.length) fail(path);
    text.start[text.length] = 0;
    fclose(file);
    return text;
}

/* The first occurrence of each word gives way to a value. */
static struct text fill_in(struct text template, uint32_t index) {
    const char *words[] = {"ID-HERE", "NAME-HERE", "CID-HERE"};
    char value[16];
    struct text text = {malloc(template.length + 1), 0};
    memcpy(text.start, template.start, template.length + 1);
    text.length = template.length;
    for (int i = 0; i < 3; i++) {
        char *at = strstr(text.start, words[i]);
        if (at == NULL) continue;
        int length = snprintf(value, sizeof value, i == 1 ? "vm%u" : "%u", i == 2 ? FIRST_CID + index : index + 1);
        size_t old = strlen(words[i]);
        memmove(at + length, at + old, strlen(at + old) + 1);
        memcpy(at, value, (size_t)length);
        text.length = text.length - old + (size_t)length;
    }
    return text;
}

static int read_exactly(int fd, uint8_t *into, size_t length) {
    while (length > 0) {
        ssize_t count = read(fd, into, length);
        if (count <= 0) return -1;
        into += count;
        length -= (size_t)count;
    }
    return 0;
}

/* struct remote_nonnull_domain; the UUID ends with the domain's number. */
static uint8_t *put_domain(uint8_t *at, uint32_t index) {
    char name[16];
    at = put_text(at, name, (size_t)snprintf(name, sizeof name, "vm%u", index + 1));
    memset(at, 0, UUID_BYTES);
    put_word(at + UUID_BYTES - 4, index + 1);
    return put_word(at + UUID_BYTES, index + 1);
}

static uint8_t *put_parameter(uint8_t *at, const char *field, uint32_t value) {
    return put_word(put_word(put_text(at, field, strlen(field)), INT_PARAMETER), value);
}

static uint8_t *put_stats(uint8_t *at) {
    at = put_word(at, domains);
    for (uint32_t i = 0; i < domains; i++) {
        at = put_word(put_domain(at, i), 2);
        at = put_parameter(put_parameter(at, "state.state", RUNNING), "state.reason", 1);
    }
    return at;
}

/* Which domain a call names, from 0, by its UUID. */
static uint32_t find_domain(const uint8_t *body) {
    uint32_t number = get_word(body + 4 + padded(get_word(body)) + UUID_BYTES - 4);
    return number >= 1 && number <= domains ? number - 1 : 0;
}

/* Behind the header; NULL for a procedure that is not known here. */
static uint8_t *put_answer(uint8_t *at, uint32_t procedure, const uint8_t *body) {
    switch (procedure) {
        case AUTH_LIST: return put_word(put_word(at, 1), 0); /* REMOTE_AUTH_NONE */
        case CONNECT_OPEN:
        case CONNECT_CLOSE: return at;
        case CONNECT_SUPPORTS_FEATURE: return put_word(at, 0);
        case DOMAIN_LOOKUP_BY_NAME: return put_domain(at, (uint32_t)atoi((const char *)body + 6) - 1);
        case DOMAIN_IS_ACTIVE: return put_word(at, 1);
        case DOMAIN_GET_STATE: return put_word(put_word(at, RUNNING), 1);
        case CONNECT_GET_ALL_DOMAIN_STATS: return put_stats(at);
        case DOMAIN_GET_XML_DESC: {
            struct text xml = xmls[find_domain(body)];
            return put_text(at, xml.start, xml.length);
        }
        default: return NULL;
    }
}

static void serve(int client, FILE *log) {
    static uint8_t call[65536];
    while (read_exactly(client, call, HEADER_BYTES) == 0) {
        size_t length = get_word(call) - HEADER_BYTES;
        if (length >= sizeof call - HEADER_BYTES || read_exactly(client, call + HEADER_BYTES, length) < 0) return;
        call[HEADER_BYTES + length] = 0;
        uint32_t procedure = get_word(call + PROCEDURE_AT);
        if (log != NULL) fprintf(log, "%u ", procedure);
        uint8_t *end = put_answer(reply + HEADER_BYTES, procedure, call + HEADER_BYTES);
        if (end == NULL) {
            fprintf(stderr, "stand-in-daemon: no procedure %u\n", procedure);
            return;
        }
        put_header(reply, end, (uint32_t[]){procedure, REPLY, get_word(call + SERIAL_AT)});
        for (const uint8_t *at = reply; at < end;) {
            ssize_t count = send(client, at, (size_t)(end - at), MSG_NOSIGNAL);
            if (count <= 0) return;
            at += count;
        }
    }
}

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc < 4 || argc > 5 || strlen(argv[1]) >= sizeof address.sun_path) return 2;
    struct text template = read_file(argv[3]);
    domains = (uint32_t)atoi(argv[2]);
    xmls = malloc(domains * sizeof *xmls);
    for (uint32_t i = 0; i < domains; i++) xmls[i] = fill_in(template, i);
    reply = malloc(STRING_MAX + domains * 128 + 4096);
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 8) < 0) fail(argv[1]);
    FILE *log = argc == 5 ? fopen(argv[4], "w") : NULL;
    if (argc == 5 && log == NULL) fail(argv[4]);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) fail("accept");
        serve(client, log);
        if (log != NULL) fputc('\n', log), fflush(log);
        close(client);
    }
}
