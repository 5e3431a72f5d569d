/* The folder and the processes of the demo. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/commands/admin_client.h"
#include "gateway/commands/read_file.h"
#include "gateway/demo/demo.h"
#include "saga/base/mem.h"

/* The webhook secret of the demo's Stripe source: "demo-secret-of-almoner-not-real" in base64. */
#define DEMO_SECRET "whsec_ZGVtby1zZWNyZXQtb2YtYWxtb25lci1ub3QtcmVhbA=="

/* ---- the folder ---- */

static int write_file(const char *path, struct str text, struct err *err)
{
	FILE *out = fopen(path, "wbe");
	if (out == NULL)
		return err_set(err, ERR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
	size_t written = fwrite(text.p, 1, text.len, out);
	return fclose(out) == 0 && written == text.len ? 0 : err_set(err, ERR_IO, "writing %s failed", path);
}

static int copy_file(const char *from, const char *to, struct err *err)
{
	struct buf text AUTO_BUF = { 0 };
	int rc = read_file(from, (size_t)1 << 20, &text, err);
	return rc == 0 ? write_file(to, buf_str(&text), err) : rc;
}

/* Copies the files of a directory and, recursively, its subdirectories. Both paths without a slash at the end. */
static int copy_directory(const char *from, const char *to, struct err *err)
{
	if (mkdir(to, 0700) != 0 && errno != EEXIST)
		return err_set(err, ERR_SYSTEM, "cannot make %s: %s", to, strerror(errno));
	char *pattern AUTO_FREE = mem_printf("%s/*", from);
	glob_t found;
	int rc = 0;
	if (glob(pattern, GLOB_MARK, NULL, &found) != 0)
		return err_set(err, ERR_NOT_FOUND, "the shipped example %s is empty", from);
	for (size_t i = 0; i < found.gl_pathc && rc == 0; i++) {
		const char *path = found.gl_pathv[i];
		const char *name = path + strlen(from) + 1;
		char *target AUTO_FREE = mem_printf("%s/%s", to, name);
		bool directory = path[strlen(path) - 1] == '/';
		if (directory)
			((char *)(uintptr_t)path)[strlen(path) - 1] = '\0';
		if (directory)
			target[strlen(target) - 1] = '\0';
		rc = directory ? copy_directory(path, target, err) : copy_file(path, target, err);
	}
	globfree(&found);
	return rc;
}

/* The example is found beside the program: in the source tree when it runs from the build directory, else in share/. */
static int make_folder(struct demo_setup *s, struct err *err)
{
	char *main_file AUTO_FREE = config_find_shipped("examples/almoner.json");
	if (main_file == NULL)
		return err_set(err, ERR_NOT_FOUND,
					   "the shipped example (examples/almoner.json) is not installed beside this program");
	char *examples AUTO_FREE = mem_strndup(main_file, strlen(main_file) - strlen("/almoner.json"));
	const char *base = getenv("TMPDIR");
	s->folder = mem_printf("%s/almoner-demo-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
	if (mkdtemp(s->folder) == NULL)
		return err_set(err, ERR_SYSTEM, "cannot make a folder like %s: %s", s->folder, strerror(errno));
	s->config_path = mem_printf("%s/almoner.json", s->folder);
	return copy_directory(examples, s->folder, err);
}

/* ---- processes ---- */

int demo_get(const struct demo_setup *s, const char *path, json_t **ret, struct err *err)
{
	return admin_client_get(s->socket_path, path, ret, err);
}

/* The path of another program of almoner: relative to the build directory of this one, or to where it is installed. A new
 * string; NULL without /proc. */
static char *program_beside(const char *in_build, const char *installed)
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

/* Starts a program. *ret_out is a pipe from its standard output; its standard error is appended to the file `errors_to`. It
 * gets SIGTERM if this process dies. -1 on failure, with errno. */
static pid_t start(char *const argv[], int *ret_out, const char *errors_to)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid_t parent = getpid();
	pid_t child = fork();
	if (child == 0) {
		int errors = open(errors_to, O_WRONLY | O_CREAT | O_APPEND, 0600);
		setpgid(0,
				0); /* a group of its own, so that Ctrl-C reaches only the demo, which ends both in order */
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

/* Reads a line like "http 127.0.0.1:41234", for which it waits at most 10 s. */
static int read_port(FILE *out, const char *name, uint16_t *ret, struct err *err)
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

/* almoner-sink prints its addresses in the first two lines; without a buffer, poll in read_port sees the second one. */
static int start_receivers(struct demo_setup *s, struct err *err)
{
	char *program AUTO_FREE = program_beside("gateway/sink/almoner-sink", "../libexec/almoner/almoner-sink");
	if (program == NULL || access(program, X_OK) != 0)
		return err_set(err, ERR_NOT_FOUND,
					   "the receivers of the demo (almoner-sink) were not found; build them: ninja -C build");
	char http[] = "127.0.0.1:0";
	char smtp[] = "127.0.0.1:0";
	char *const argv[] = { program, (char[]){ "--http" }, http, (char[]){ "--smtp" }, smtp, NULL };
	int out;
	s->receivers = start(argv, &out, "/dev/null");
	if (s->receivers < 0)
		return err_set(err, ERR_SYSTEM, "cannot start %s: %s", program, strerror(errno));
	FILE *lines = fdopen(out, "r");
	setvbuf(lines, NULL, _IONBF, 0);
	int rc = read_port(lines, "http", &s->http_port, err);
	if (rc == 0)
		rc = read_port(lines, "smtp", &s->smtp_port, err);
	fclose(lines);
	return rc;
}

/* Only to know the source's secret and the admin socket; the daemon loads the same file itself. */
static int load_config(struct demo_setup *s, struct err *err)
{
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	int rc = config_load(s->config_path, NULL, &s->config, &found);
	if (rc != 0) {
		struct buf text AUTO_BUF = { 0 };
		diagnostics_print(&found, &text);
		return err_set(err, rc, "the example configuration has errors: %s",
					   text.data != NULL ? text.data : "");
	}
	if (s->config->listen.admin.count == 0)
		return err_set(err, ERR_INVALID, "the example configuration has no admin socket");
	s->socket_path = mem_strdup(s->config->listen.admin.items[0]);
	return 0;
}

/* Waits at most 10 s for the admin API. If the daemon ends before, its log is the error text. */
static int start_daemon(struct demo_setup *s, struct err *err)
{
	char *log AUTO_FREE = mem_printf("%s/gateway.log", s->folder);
	char self[] = "/proc/self/exe";
	char *const argv[] = { self, (char[]){ "serve" }, (char[]){ "--config" }, s->config_path, NULL };
	int out;
	s->daemon = start(argv, &out, log);
	if (s->daemon < 0)
		return err_set(err, ERR_SYSTEM, "cannot start the gateway: %s", strerror(errno));
	close(out);
	for (unsigned tries = 0; tries < 500; tries++) {
		json_t *status = NULL;
		if (demo_get(s, "/v1/status", &status, NULL) == 0) {
			s->intake_port =
				(uint16_t)json_integer_value(json_object_get(json_object_get(status, "intake"), "port"));
			json_decref(status);
			return 0;
		}
		int code;
		if (waitpid(s->daemon, &code, WNOHANG) == s->daemon) {
			s->daemon = 0;
			struct buf output AUTO_BUF = { 0 };
			int rc = read_file(log, (size_t)1 << 20, &output, err);
			return rc != 0 ? rc
						   : err_set(err, ERR_SYSTEM, "the gateway did not start: %s",
									 output.data != NULL ? output.data : "");
		}
		poll(NULL, 0, 20);
	}
	return err_set(err, ERR_SYSTEM, "the gateway does not answer on %s; see %s", s->socket_path, log);
}

/* The example configuration takes addresses and secrets from these variables; the daemon inherits them. */
static int set_environment(const struct demo_setup *s, struct err *err)
{
	char http[32], books[48], crm[40], smtp[16];
	snprintf(http, sizeof http, "http://127.0.0.1:%u", s->http_port);
	snprintf(books, sizeof books, "%s/quickbooks", http);
	snprintf(crm, sizeof crm, "%s/crm", http);
	snprintf(smtp, sizeof smtp, "%u", s->smtp_port);
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "ALMONER_INTAKE", "127.0.0.1:0" },
		{ "ALMONER_BOOKS_URL", books },
		{ "ALMONER_CRM_URL", crm },
		{ "ALMONER_MAIL_HOST", "127.0.0.1" },
		{ "ALMONER_MAIL_PORT", smtp },
		{ "ALMONER_MAIL_TLS", "none" },
		{ "STRIPE_WEBHOOK_SECRET", DEMO_SECRET },
		{ "FORMS_SECRET", "demo" },
		{ "BOOKS_TOKEN", "demo" },
	};
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		if (setenv(variables[i].name, variables[i].value, 1) != 0)
			return err_set(err, ERR_SYSTEM, "setenv: %s", strerror(errno));
	return 0;
}

int demo_setup_begin(struct demo_setup *s, struct err *err)
{
	s->program = program_beside("almoner", "almoner");
	int rc = start_receivers(s, err);
	if (rc == 0)
		rc = set_environment(s, err);
	if (rc == 0)
		rc = make_folder(s, err);
	if (rc == 0)
		rc = load_config(s, err);
	return rc == 0 ? start_daemon(s, err) : rc;
}

/* SIGTERM, then waits. The exit code; 1 if a signal ended the process, 0 if there is none. */
static int end_process(pid_t pid)
{
	int status = 0;
	if (pid <= 0 || kill(pid, SIGTERM) != 0)
		return 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	return remove(path);
}

int demo_setup_end(struct demo_setup *s)
{
	int code = end_process(s->daemon);
	end_process(s->receivers);
	if (s->folder != NULL && code == 0)
		nftw(s->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	else if (s->folder != NULL)
		fprintf(stderr, "almoner: the gateway ended with %d; its folder is kept: %s\n", code, s->folder);
	config_unref(s->config);
	free(s->folder);
	free(s->config_path);
	free(s->program);
	free(s->socket_path);
	return code;
}
