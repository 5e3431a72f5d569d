#include "gateway/cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "saga/base/mem.h"

/* What a shell reports for a process that SIGINT ended: 128 plus the number of the signal. */
#define EXIT_INTERRUPTED 130

struct interrupt {
	pthread_t thread;
	sigset_t before;
	long long job;
};

static void only_sigint(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
}

/* A thread that waits with sigwait may print and exit, which a signal handler must not do. */
static void *wait_for_sigint(void *arg)
{
	const struct interrupt *i = arg;
	pthread_setname_np(pthread_self(), "interrupt"); /* the name that top, gdb and profilers show */
	sigset_t set;
	int signum = 0;
	only_sigint(&set);
	if (sigwait(&set, &signum) != 0)
		return NULL;
	fprintf(stderr,
			"\nalmoner: job %lld continues in the daemon. To see it: almoner job show %lld; to stop it: "
			"almoner job cancel %lld\n",
			i->job, i->job, i->job);
	_exit(EXIT_INTERRUPTED);
}

struct interrupt *interrupt_begin(long long job)
{
	struct interrupt *i = mem_zalloc(sizeof *i);
	i->job = job;
	sigset_t set;
	only_sigint(&set);
	if (pthread_sigmask(SIG_BLOCK, &set, &i->before) != 0) {
		free(i);
		return NULL;
	}
	if (pthread_create(&i->thread, NULL, wait_for_sigint, i) == 0)
		return i;
	pthread_sigmask(SIG_SETMASK, &i->before, NULL);
	free(i);
	return NULL;
}

void interrupt_end(struct interrupt *i)
{
	if (i == NULL)
		return;
	pthread_cancel(i->thread); /* sigwait, where the thread waits, is a cancellation point */
	pthread_join(i->thread, NULL);
	pthread_sigmask(SIG_SETMASK, &i->before, NULL);
	free(i);
}
