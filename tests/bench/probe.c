/* Measures how long one fdatasync takes on this file system. A block is written and synced at a fixed rate, so that
 * the machine is as idle between two blocks as it is between two events at that rate.
 *
 *     almoner-probe --dir FOLDER [--count N] [--rate R] [--rewrite]
 *
 * By default each block is appended, as in a log that grows. With --rewrite the blocks exist before, as in a log that
 * is reused. Prints one JSON object. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define BLOCK 4096

struct probe {
	const char *dir;
	size_t count;
	double rate;
	bool rewrite;
	int fd;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "almoner-probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void wait_until(double at_us)
{
	struct timespec t = { .tv_sec = (time_t)(at_us / 1e6) };
	t.tv_nsec = (long)((at_us - (double)t.tv_sec * 1e6) * 1e3);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void write_block(const struct probe *p, size_t at)
{
	char block[BLOCK];
	memset(block, (int)(at % 251) + 1, sizeof block);
	must(pwrite(p->fd, block, sizeof block, (off_t)(at * BLOCK)) == BLOCK, "writing");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void run(const struct probe *p, double *took)
{
	if (p->rewrite) {
		for (size_t i = 0; i < p->count; i++)
			write_block(p, i);
		must(fsync(p->fd) == 0, "fsync");
	}
	double begin = now_us();
	for (size_t i = 0; i < p->count; i++) {
		if (p->rate > 0)
			wait_until(begin + (double)i * 1e6 / p->rate);
		double t = now_us();
		write_block(p, i);
		must(fdatasync(p->fd) == 0, "fdatasync");
		took[i] = now_us() - t;
	}
	double seconds = (now_us() - begin) / 1e6;
	qsort(took, p->count, sizeof *took, by_value);
	printf("{\"count\":%zu,\"rewrite\":%s,\"per_s\":%.1f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f}\n",
		   p->count, p->rewrite ? "true" : "false", (double)p->count / seconds, took[p->count / 2],
		   took[(p->count - 1) * 99 / 100], took[p->count - 1]);
}

static void usage(void)
{
	(void)fputs("usage: almoner-probe --dir FOLDER [--count N] [--rate R] [--rewrite]\n", stderr);
	exit(2);
}

static void options(struct probe *p, int argc, char **argv)
{
	static const struct option table[] = { { "dir", required_argument, NULL, 'd' },
										   { "count", required_argument, NULL, 'n' },
										   { "rate", required_argument, NULL, 'r' },
										   { "rewrite", no_argument, NULL, 'g' },
										   { 0 } };
	int c;
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'd')
			p->dir = optarg;
		else if (c == 'n')
			p->count = strtoul(optarg, NULL, 10);
		else if (c == 'r')
			p->rate = strtod(optarg, NULL);
		else if (c == 'g')
			p->rewrite = true;
		else
			usage();
	}
	if (p->dir == NULL || p->count == 0)
		usage();
}

int main(int argc, char **argv)
{
	struct probe p = { .count = 1000 };
	options(&p, argc, argv);
	char *path AUTO_FREE = mem_printf("%s/probe.bin", p.dir);
	p.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(p.fd >= 0, path);
	double *took = mem_alloc(p.count * sizeof *took);
	run(&p, took);
	free(took);
	(void)close(p.fd);
	(void)unlink(path);
	return 0;
}
