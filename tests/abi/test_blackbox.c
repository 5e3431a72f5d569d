/* A connector crashes or hangs, or the process dies while it runs: what the next start reports about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "tests/support/connector_driver.h"

struct blackbox_fixture {
	char dir[64];
	char *path;
};

static int set_up(void **state)
{
	struct blackbox_fixture *p = mem_zalloc(sizeof *p);
	memcpy(p->dir, "/tmp/almoner-box-XXXXXX", 24);
	assert_non_null(mkdtemp(p->dir));
	p->path = mem_printf("%s/blackbox", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct blackbox_fixture *p = *state;
	unlink(p->path);
	(void)rmdir(p->dir);
	free(p->path);
	free(p);
	return 0;
}

static struct blackbox *open_blackbox(const struct blackbox_fixture *p, int64_t limit_ms)
{
	struct blackbox *box = NULL;
	struct err err = { 0 };
	struct blackbox_settings settings = { p->path, limit_ms };
	if (blackbox_open(&settings, &box, &err) != 0)
		fail_msg("%s", err.text);
	return box;
}

static void ignore(void *ctx, enum diag_severity severity, const char *pointer, const char *message,
				   const char *expected)
{
	(void)ctx;
	(void)severity;
	(void)pointer;
	(void)message;
	(void)expected;
}

static struct instance *open_rogue(struct blackbox *box, const char *where, const char *end_kind)
{
	static const char *const paths[] = { ALMONER_ABI_PLUGINS };
	const struct catalog_entry *entry = NULL;
	if (catalog_find(catalog_create(paths, 1), "rogue", &entry, NULL) != 0)
		_exit(99);
	json_t *settings = json_pack("{s:s, s:s}", "where", where, "how", end_kind);
	struct config_report report = { NULL, ignore };
	struct instance_request request = {
		.connector = entry, .target = "crm", .settings = settings, .box = box
	};
	struct instance *instance = NULL;
	if (instance_open(&request, &report, &instance) != 0)
		_exit(98);
	json_decref(settings);
	return instance;
}

/* Runs in a child process: everything that a gateway does up to the call that fails. */
static void run_rogue(const struct blackbox_fixture *p, int64_t limit_ms, const char *where,
					  const char *end_kind, const char *step_name)
{
	const struct rlimit none = { 0, 0 };
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	struct blackbox *box = open_blackbox(p, limit_ms);
	blackbox_settle(box);
	struct driver d = { .instance = open_rogue(box, where, end_kind) };
	d.port = instance_port(d.instance);
	driver_step(&d, "{}");
	d.step.name = driver_text(step_name);
	d.step.generation = 2;
	d.step.attempt = 3;
	if (driver_begin(&d) != 0 || driver_next(&d, NULL) != 0)
		_exit(97);
	driver_end(&d);
	instance_close(d.instance);
	blackbox_close(box);
	_exit(0);
}

/* Runs the rogue connector in a child process and returns its wait status. */
static int child(const struct blackbox_fixture *p, int64_t limit_ms, const char *where, const char *end_kind,
				 const char *step)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_rogue(p, limit_ms, where, end_kind, step);
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Opens the black box as the next start does, and returns the number of reports. */
static size_t previous(const struct blackbox_fixture *p, struct blackbox_report *ret_first)
{
	struct blackbox_report reports[BLACKBOX_SLOTS];
	struct blackbox *box = open_blackbox(p, 0);
	size_t count = blackbox_read_previous(box, reports);
	*ret_first = reports[0];
	blackbox_close(box);
	return count;
}

static void assert_names_step(const struct blackbox_report *r, const char *step)
{
	assert_int_equal(r->call.saga, 1042);
	assert_int_equal(r->call.generation, 2);
	assert_int_equal(r->call.attempt, 3);
	assert_int_equal(r->call.purpose, ALMONER_DO);
	assert_string_equal(r->call.step, step);
	assert_string_equal(r->call.target, "crm");
}

static void crash_is_marked(void **state)
{
	static const struct {
		const char *where;
		const char *end_kind;
		int signal;
	} crashes[] = { { "next", "null", SIGSEGV },
					{ "begin", "abort", SIGABRT },
					{ "end", "null", SIGSEGV },
					{ "next", "stack", SIGSEGV } };
	for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
		struct blackbox_report r;
		int status = child(*state, 0, crashes[i].where, crashes[i].end_kind, "books");
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), crashes[i].signal);
		assert_int_equal(previous(*state, &r), 1);
		assert_int_equal(r.end_kind, BLACKBOX_CRASHED);
		assert_int_equal(r.signal, crashes[i].signal);
		assert_true(r.blamed);
		assert_names_step(&r, "books");
	}
}

static void hang_is_ended_and_marked(void **state)
{
	struct blackbox_report r;
	int status = child(*state, 60, "next", "hang", "books");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(previous(*state, &r), 1);
	assert_int_equal(r.end_kind, BLACKBOX_HUNG);
	assert_true(r.blamed);
	assert_names_step(&r, "books");
}

static void crash_while_opening_names_the_target(void **state)
{
	struct blackbox_report r;
	assert_true(WIFSIGNALED(child(*state, 0, "open", "null", "books")));
	assert_int_equal(previous(*state, &r), 1);
	assert_int_equal(r.call.saga, 0);
	assert_string_equal(r.call.target, "crm");
}

static void clean_end_leaves_no_report(void **state)
{
	struct blackbox_report r;
	assert_int_equal(child(*state, 0, "never", "null", "books"), 0);
	assert_int_equal(previous(*state, &r), 0);
}

/* A kill does not blame the step; a second kill in the same step does. */
static void second_silent_death_names_target(void **state)
{
	struct blackbox_report r;
	assert_int_equal(WEXITSTATUS(child(*state, 0, "next", "exit", "books")), 7);
	assert_int_equal(previous(*state, &r), 1);
	assert_int_equal(r.end_kind, BLACKBOX_KILLED);
	assert_int_equal(r.deaths, 1);
	assert_false(r.blamed);
	assert_int_equal(WEXITSTATUS(child(*state, 0, "next", "exit", "thanks")), 7);
	assert_int_equal(previous(*state, &r), 1);
	assert_false(r.blamed);
	assert_string_equal(r.call.step, "thanks");
	assert_int_equal(WEXITSTATUS(child(*state, 0, "next", "exit", "books")), 7);
	assert_int_equal(previous(*state, &r), 1);
	assert_int_equal(r.deaths, 2);
	assert_true(r.blamed);
}

static void kill_9_names_no_target(void **state)
{
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct blackbox *box = open_blackbox(*state, 0);
		struct blackbox_call call = { .saga = 7, .step = "books", .target = "crm" };
		(void)blackbox_enter(box, &call);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	char byte;
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	struct blackbox_report r;
	assert_int_equal(previous(*state, &r), 1);
	assert_int_equal(r.end_kind, BLACKBOX_KILLED);
	assert_int_equal(r.call.saga, 7);
	assert_false(r.blamed);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void reports_stay_until_settled(void **state)
{
	struct blackbox_report reports[BLACKBOX_SLOTS];
	struct blackbox_report r;
	assert_true(WIFSIGNALED(child(*state, 0, "next", "null", "books")));
	assert_int_equal(previous(*state, &r), 1);
	assert_int_equal(previous(*state, &r), 1);
	assert_int_equal(r.deaths, 1);
	struct blackbox *box = open_blackbox(*state, 0);
	assert_int_equal(blackbox_read_previous(box, reports), 1);
	blackbox_settle(box);
	assert_int_equal(blackbox_read_previous(box, reports), 0);
	blackbox_close(box);
	assert_int_equal(previous(*state, &r), 0);
}

/* The gateway itself crashes while no connector runs, or in another thread than the connector's. */
static void other_deaths_name_no_target(void **state)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = { 0, 0 };
		(void)setrlimit(RLIMIT_CORE, &none);
		struct blackbox *box = open_blackbox(*state, 0);
		struct blackbox_call call = { .saga = 7, .step = "books" };
		blackbox_leave(box, blackbox_enter(box, &call));
		abort();
	}
	int status = 0;
	struct blackbox_report r;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(previous(*state, &r), 0);
}

static void damaged_file_is_replaced(void **state)
{
	const struct blackbox_fixture *p = *state;
	struct blackbox_report r;
	char noise[8192];
	memset(noise, 0xA5, sizeof noise);
	int fd = open(p->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, noise, sizeof noise), sizeof noise);
	(void)close(fd);
	assert_int_equal(previous(p, &r), 0);
	assert_true(WIFSIGNALED(child(p, 0, "next", "null", "books")));
	assert_int_equal(previous(p, &r), 1);
}

static void one_blackbox_a_process(void **state)
{
	const struct blackbox_fixture *p = *state;
	struct blackbox *box = open_blackbox(p, 0);
	struct blackbox *second = NULL;
	struct err err = { 0 };
	struct blackbox_settings settings = { p->path, 0 };
	assert_int_equal(blackbox_open(&settings, &second, &err), ERR_BUSY);
	blackbox_close(box);
	box = open_blackbox(p, 0);
	blackbox_close(box);
	struct blackbox_settings nowhere = { "/proc/none/box", 0 };
	assert_int_equal(blackbox_open(&nowhere, &second, &err), ERR_IO);
	assert_non_null(strstr(err.text, "/proc/none/box"));
}

#define BLACKBOX_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BLACKBOX_TEST(crash_is_marked),
		BLACKBOX_TEST(hang_is_ended_and_marked),
		BLACKBOX_TEST(crash_while_opening_names_the_target),
		BLACKBOX_TEST(clean_end_leaves_no_report),
		BLACKBOX_TEST(second_silent_death_names_target),
		BLACKBOX_TEST(kill_9_names_no_target),
		BLACKBOX_TEST(reports_stay_until_settled),
		BLACKBOX_TEST(other_deaths_name_no_target),
		BLACKBOX_TEST(damaged_file_is_replaced),
		BLACKBOX_TEST(one_blackbox_a_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
