/* A client of a real node's groups: what `everbeat cpg` measures, by libcpg.
 *
 * cpg_client GROUP MEMBERS COUNT SIZE EVERY_US EXPECT: waits for MEMBERS, sends COUNT numbered
 * messages, ends when EXPECT came, of all senders, and prints the same lines. Check sums are
 * neither made nor looked at, which is less work than `everbeat cpg` has.
 */
#include <corosync/cpg.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SENDERS_MAX = 16, LATENCIES_MAX = 1 << 20 };

static unsigned long wanted_members, count, size, every_us, expect;
static cpg_handle_t handle;
static volatile size_t members;
static unsigned long heard, bytes, faults, measured;
static unsigned long long first, latencies[LATENCIES_MAX];
static struct { unsigned node, pid; unsigned long next; } senders[SENDERS_MAX];
static unsigned sender_count, own_node;

static unsigned long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void must(cs_error_t code, const char *what)
{
    if (code != CS_OK) {
        fprintf(stderr, "%s: error %d\n", what, (int)code);
        exit(1);
    }
}

static void deliver(cpg_handle_t h, const struct cpg_name *group, uint32_t node, uint32_t pid,
                    void *data, size_t length)
{
    unsigned at = 0;
    unsigned long long number, sent;

    (void)h, (void)group;
    while (at < sender_count && (senders[at].node != node || senders[at].pid != pid))
        at++;
    if (at == sender_count) {
        if (at == SENDERS_MAX || length != size || size < 16) {
            faults++;
            return;
        }
        senders[sender_count++] = (typeof(senders[0])){ node, pid, 0 };
    }
    if (!heard)
        first = now();
    heard++;
    bytes += length;
    memcpy(&number, data, 8);
    memcpy(&sent, (char *)data + 8, 8);
    faults += length != size || number != senders[at].next;
    senders[at].next = number + 1;
    if (node == own_node && pid == (uint32_t)getpid() && measured < LATENCIES_MAX)
        latencies[measured++] = now() - sent;
}

static void change(cpg_handle_t h, const struct cpg_name *group, const struct cpg_address *list,
                   size_t n, const struct cpg_address *left, size_t l,
                   const struct cpg_address *joined, size_t j)
{
    (void)h, (void)group, (void)list, (void)left, (void)l, (void)joined, (void)j;
    members = n;
}

static void *send_all(void *nothing)
{
    char *data = malloc(size);
    struct iovec vector = { data, size };
    unsigned long long number, time;

    while (members < wanted_members)
        usleep(200);
    for (number = 0; number < count; number++) {
        memset(data, (int)number, size);
        memcpy(data, &number, 8);
        time = now();
        memcpy(data + 8, &time, 8);
        cs_error_t code;
        while ((code = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &vector, 1)) == CS_ERR_TRY_AGAIN)
            usleep(100);
        must(code, "cpg_mcast_joined");
        if (every_us)
            usleep(every_us);
    }
    return nothing;
}

static int by_length(const void *a, const void *b)
{
    unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    cpg_callbacks_t callbacks = { deliver, change };
    struct cpg_name name = { 0 };
    struct pollfd ready = { .events = POLLIN };
    pthread_t sender;
    cs_error_t code;

    if (argc != 7)
        return 2;
    name.length = strlen(argv[1]);
    memcpy(name.value, argv[1], name.length);
    wanted_members = strtoul(argv[2], 0, 10);
    count = strtoul(argv[3], 0, 10);
    size = strtoul(argv[4], 0, 10);
    every_us = strtoul(argv[5], 0, 10);
    expect = strtoul(argv[6], 0, 10);
    must(cpg_initialize(&handle, &callbacks), "cpg_initialize");
    must(cpg_fd_get(handle, &ready.fd), "cpg_fd_get");
    must(cpg_local_get(handle, &own_node), "cpg_local_get");
    while ((code = cpg_join(handle, &name)) == CS_ERR_TRY_AGAIN)
        usleep(50000);
    must(code, "cpg_join");
    pthread_create(&sender, 0, send_all, 0);
    while (heard < expect) {
        poll(&ready, 1, -1);
        must(cpg_dispatch(handle, CS_DISPATCH_ALL), "cpg_dispatch");
    }
    double seconds = (now() - first) / 1e9;
    pthread_join(sender, 0);
    printf("%lu messages of %u senders, %lu bytes in %.3f s: %.0f messages/s, %.1f MB/s\n", heard,
           sender_count, bytes, seconds, heard / seconds, bytes / seconds / 1e6);
    if (measured) {
        qsort(latencies, measured, sizeof *latencies, by_length);
        printf("latency of own messages: p50 %llu us, p99 %llu us\n",
               latencies[(measured - 1) * 50 / 100] / 1000,
               latencies[(measured - 1) * 99 / 100] / 1000);
    }
    printf("%lu faults\n", faults);
    return faults ? 3 : 0;
}
