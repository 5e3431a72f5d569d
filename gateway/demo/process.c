/* Processes that the demo starts: the receivers and the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/demo/demo_internal.h"
#include "saga/base/mem.h"

char *demo_process_path(const char *in_build, const char *installed)
{
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	if (len <= 0)
		return NULL;
	self[len] = '\0';
	char *slash = strrchr(self, '/');
	*slash = '\0';
	char *path = mem_printf("%s/%s", self, in_build);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	path = mem_printf("%s/%s", self, installed);
	return path;
}

pid_t demo_process_start(char *const argv[], int *ret_out, const char *errors_to)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid_t parent = getpid();
	pid_t child = fork();
	if (child == 0) {
		int errors = open(errors_to, O_WRONLY | O_CREAT | O_APPEND, 0600);
		setpgid(0,
				/* the child has a process group of its own, so that Ctrl-C reaches only the demo, which
				 * ends both children in order */
				0);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent || errors < 0 || dup2(ends[1], STDOUT_FILENO) < 0 ||
			dup2(errors, STDERR_FILENO) < 0)
			_exit(127);
		execv(argv[0], argv);
		_exit(127);
	}
	close(ends[1]);
	*ret_out = ends[0];
	return child;
}

int demo_process_read_port(FILE *out, const char *name, uint16_t *ret, struct err *err)
{
	char line[128];
	struct pollfd ready = { fileno(out), POLLIN, 0 };
	unsigned long port = 0;
	if (poll(&ready, 1, 10000) == 1 && fgets(line, sizeof line, out) != NULL &&
		strncmp(line, name, strlen(name)) == 0) {
		const char *colon = strrchr(line, ':');
		port = colon != NULL ? strtoul(colon + 1, NULL, 10) : 0;
	}
	if (port == 0 || port > UINT16_MAX)
		return err_set(err, ERR_SYSTEM, "the receivers of the demo (almoner-sink) did not start");
	*ret = (uint16_t)port;
	return 0;
}

int demo_process_end(pid_t pid)
{
	int status = 0;
	if (pid <= 0 || kill(pid, SIGTERM) != 0)
		return 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
