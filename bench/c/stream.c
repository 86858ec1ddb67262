/* Writes the packets of a stream of binaries: what a worker's data messages look
 * like, at the speed at which a C program can write them.
 *
 *     stream COUNT SIZE
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put32(unsigned char *p, uint32_t v) {
    p[0] = v >> 24, p[1] = v >> 16, p[2] = v >> 8, p[3] = v;
}

static void write_all(const unsigned char *p, size_t n) {
    while (n > 0) {
        ssize_t m = write(1, p, n);
        if (m <= 0) exit(1);
        p += m, n -= m;
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: stream COUNT SIZE\n");
        return 2;
    }
    long count = atol(argv[1]);
    uint32_t size = (uint32_t)atol(argv[2]);
    fcntl(1, F_SETPIPE_SZ, 1 << 20);

    /* 131 {data, 1, [<<...>>]} */
    static const unsigned char head[] = {131, 104, 3, 119, 4, 'd', 'a', 't', 'a', 97, 1, 108, 0, 0, 0, 1, 109};
    size_t length = sizeof head + 4 + size + 1;
    unsigned char *packet = malloc(4 + length);
    if (!packet) return 1;
    put32(packet, (uint32_t)length);
    memcpy(packet + 4, head, sizeof head);
    put32(packet + 4 + sizeof head, size);
    memset(packet + 4 + sizeof head + 4, 'x', size);
    packet[4 + length - 1] = 106;

    for (long i = 0; i < count; i++) write_all(packet, 4 + length);

    unsigned char byte; /* until the port closes */
    while (read(0, &byte, 1) > 0) {}
    return 0;
}
