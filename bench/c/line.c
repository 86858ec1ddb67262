/* Prints how many nanoseconds a cache line takes from one processor to another and back: the median of some rounds.
 *
 * Two threads, each on a processor of its own, hand a number to each other. On a machine that
 * is lent out its processors may be near each other one minute and far apart the next; what
 * is done by two processes that send messages to each other takes as much longer.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, TIMES = 20000 };

/* Whose turn it is; the second thread takes the first when it is where it belongs. */
static _Atomic int turn = 1;

/* The processors this program may use, of which the first two. */
static int processors[2];

static int find_processors(void) {
    cpu_set_t set;
    int found = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
    for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
        if (CPU_ISSET(i, &set)) processors[found++] = i;
    return found;
}

static void stay_on(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void take(int own) {
    while (atomic_load_explicit(&turn, memory_order_acquire) != own) continue;
}

static void hand_over(int own, int others) {
    for (int i = 0; i < TIMES; i++) {
        take(own);
        atomic_store_explicit(&turn, others, memory_order_release);
    }
}

static void *second(void *unused) {
    stay_on(processors[1]);
    take(1);
    atomic_store_explicit(&turn, 0, memory_order_release);
    hand_over(1, 0);
    take(1);
    return unused;
}

/* Nanoseconds for each time there and back. */
static double once(void) {
    double from;
    pthread_t thread;
    turn = 1;
    if (pthread_create(&thread, NULL, second, NULL) != 0) exit(1);
    /* Asleep, since the thread begins on this processor, perhaps. */
    while (atomic_load_explicit(&turn, memory_order_acquire) != 0) usleep(50);
    from = now();
    hand_over(0, 1);
    take(0);
    from = now() - from;
    atomic_store_explicit(&turn, 1, memory_order_release);
    pthread_join(thread, NULL);
    return from / TIMES;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void) {
    double rounds[ROUNDS];
    if (find_processors() < 2) {
        fputs("line: there is one processor, and two are needed\n", stderr);
        return 1;
    }
    stay_on(processors[0]);
    for (int i = 0; i < ROUNDS; i++) rounds[i] = once();
    qsort(rounds, ROUNDS, sizeof rounds[0], compare);
    printf("%.0f\n", rounds[ROUNDS / 2]);
    return 0;
}
