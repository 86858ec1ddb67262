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

enum { ROUNDS = 5, TIMES = 20000 };

static _Atomic int turn;

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

static void hand_over(int own, int others) {
    for (int i = 0; i < TIMES; i++) {
        while (atomic_load_explicit(&turn, memory_order_acquire) != own) continue;
        atomic_store_explicit(&turn, others, memory_order_release);
    }
}

static void *second(void *unused) {
    stay_on(processors[1]);
    hand_over(1, 0);
    return unused;
}

/* Nanoseconds for each time there and back. */
static double once(void) {
    struct timespec from, to;
    pthread_t thread;
    if (pthread_create(&thread, NULL, second, NULL) != 0) exit(1);
    clock_gettime(CLOCK_MONOTONIC, &from);
    hand_over(0, 1);
    pthread_join(thread, NULL);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / TIMES;
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
