#include "gateway/cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define EXIT_INTERRUPTED 130 /* as shells say it */

struct interrupt {
	pthread_t thread;
	sigset_t before;
	long long job;
};

static void only_sigint(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
}

static void *wait_for_sigint(void *arg)
{
	const struct interrupt *i = arg;
	sigset_t set;
	int signum = 0;
	only_sigint(&set);
	if (sigwait(&set, &signum) != 0)
		return NULL;
	(void)fprintf(
		stderr,
		"\nalmoner: job %lld goes on in the daemon: almoner job show %lld; to end it: almoner job cancel "
		"%lld\n",
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
	(void)pthread_sigmask(SIG_SETMASK, &i->before, NULL);
	free(i);
	return NULL;
}

void interrupt_end(struct interrupt *i)
{
	if (i == NULL)
		return;
	(void)pthread_cancel(i->thread); /* in sigwait */
	(void)pthread_join(i->thread, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &i->before, NULL);
	free(i);
}
