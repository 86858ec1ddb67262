/* Sends every packet back: the least that a program at a port can do.
 *
 *     echo [large | poll]
 *
 * Reads what is there, up to 64 KiB, and answers all the whole packets of one read with
 * one write. With "large", both pipes hold 1 MiB and reads are as large, which large
 * packets are better served by. With "poll" it never sleeps, and so finds out how much of a round
 * trip is not to be had from the other side's thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t packet_size(const unsigned char *p) {
    return 4 + ((size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
}

/* The bytes of the whole packets at the start of p. */
static size_t whole(const unsigned char *p, size_t n) {
    size_t done = 0;
    while (n - done >= 4 && n - done >= packet_size(p + done)) done += packet_size(p + done);
    return done;
}

static void write_all(const unsigned char *p, size_t n) {
    while (n > 0) {
        ssize_t m = write(1, p, n);
        if (m <= 0) exit(1);
        p += m, n -= m;
    }
}

/* A read that tries again where it does not block and there is nothing. */
static ssize_t read_some(unsigned char *p, size_t n) {
    ssize_t m;
    while ((m = read(0, p, n)) < 0 && errno == EAGAIN) {
    }
    return m;
}

int main(int argc, char **argv) {
    size_t most = 64 << 10;
    if (argc > 1 && strcmp(argv[1], "large") == 0) {
        most = 1 << 20;
        fcntl(0, F_SETPIPE_SZ, most);
        fcntl(1, F_SETPIPE_SZ, most);
    }
    if (argc > 1 && strcmp(argv[1], "poll") == 0) fcntl(0, F_SETFL, O_NONBLOCK);
    unsigned char *buffer = NULL;
    size_t held = 0, capacity = 0;
    for (;;) {
        if (capacity - held < most) {
            capacity += capacity + most;
            buffer = realloc(buffer, capacity);
            if (!buffer) return 1;
        }
        ssize_t n = read_some(buffer + held, most);
        if (n <= 0) return n < 0;
        held += n;
        size_t done = whole(buffer, held);
        write_all(buffer, done);
        if (done > 0) memmove(buffer, buffer + done, held - done);
        held -= done;
    }
}
