/* What the floor and the stand-in for a daemon both say on the wire: src/rpc/virnetprotocol.x and src/remote/remote_protocol.x of
   libvirt 11.3. A message is a length word, which counts itself, and six more words; all are big-endian. */
#ifndef LIBVIRT_WIRE_H
#define LIBVIRT_WIRE_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

enum { PROGRAM = 0x20008086, VERSION = 1, HEADER_BYTES = 28, UUID_BYTES = 16, STRING_MAX = 4194304 };
enum {
    CONNECT_OPEN = 1,
    CONNECT_CLOSE = 2,
    DOMAIN_GET_XML_DESC = 14,
    DOMAIN_LOOKUP_BY_NAME = 23,
    CONNECT_SUPPORTS_FEATURE = 60,
    AUTH_LIST = 66,
    DOMAIN_IS_ACTIVE = 150,
    DOMAIN_GET_STATE = 212,
    CONNECT_GET_ALL_DOMAIN_STATS = 344,
};
enum { CALL = 0, REPLY = 1 };
enum { PROCEDURE_AT = 12, SERIAL_AT = 20, STATUS_AT = 24 };

static inline uint8_t *put_word(uint8_t *at, uint32_t value) {
    value = htonl(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static inline uint32_t get_word(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return ntohl(value);
}

static inline size_t padded(size_t length) { return (length + 3) & ~(size_t)3; }

static inline uint8_t *put_text(uint8_t *at, const char *text, size_t length) {
    at = put_word(at, (uint32_t)length);
    memcpy(at, text, length);
    memset(at + length, 0, padded(length) - length);
    return at + padded(length);
}

/* The header of the message at `start`, once all of its body up to `end` is there. */
static inline void put_header(uint8_t *start, const uint8_t *end, const uint32_t words[3]) {
    uint8_t *at = put_word(start, (uint32_t)(end - start));
    at = put_word(put_word(at, PROGRAM), VERSION);
    at = put_word(put_word(put_word(at, words[0]), words[1]), words[2]);
    put_word(at, 0); /* VIR_NET_OK */
}

#endif
