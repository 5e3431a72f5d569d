/* For tests of assertions: a call that breaks the contract of a function must end the process. */
#ifndef ALMONER_TESTS_SUPPORT_WRONG_CALL_H
#define ALMONER_TESTS_SUPPORT_WRONG_CALL_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `call` in a process of its own. True if a failed assertion ended that process. */
static inline bool wrong_call_ends_process(void (*call)(void))
{
	pid_t child = fork();
	if (child == 0) {
		const struct rlimit no_core = { 0, 0 };
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL); /* cmocka has a handler of its own */
		if (freopen("/dev/null", "w", stderr) != NULL)
			call();
		_exit(0);
	}
	int status = 0;
	return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
		   WTERMSIG(status) == SIGABRT;
}

#endif
