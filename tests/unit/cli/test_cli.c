/* Commands against a fake daemon: exit codes, the requests that are sent, and the texts for operators. */
#include "tests/support/capture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/cli.h"
#include "gateway/cli/run.h"
#include "saga/base/mem.h"

/* Gives the prepared answers in order and records the requests. */
struct fake_daemon {
	struct answer {
		int code;
		unsigned status;
		const char *lines; /* the body; cut into lines at line ends */
	} answers[4];
	unsigned count;
	char asked[4][2048]; /* "POST /path body" */
};
static struct fake_daemon fake_daemon;
static struct capture output;

static int call(void *ctx, const char *method, const char *path, const char *body, void *line_ctx,
				int (*line)(void *line_ctx, struct str text), unsigned *ret_status, struct err *err)
{
	(void)ctx;
	assert_true(fake_daemon.count < 4);
	const struct answer *a = &fake_daemon.answers[fake_daemon.count];
	snprintf(fake_daemon.asked[fake_daemon.count++], sizeof fake_daemon.asked[0], "%s %s %s", method, path,
			 body != NULL ? body : "");
	if (a->code != 0)
		return err_set(err, a->code, "%s", a->lines);
	char *text AUTO_FREE = mem_strdup(a->lines != NULL ? a->lines : "");
	char *rest = text;
	for (char *one = strsep(&rest, "\n"); one != NULL; one = strsep(&rest, "\n"))
		if (line(line_ctx, str_of(one)) != 0)
			break;
	*ret_status = a->status != 0 ? a->status : 200;
	return 0;
}

/* Runs a command, given as words with spaces between them. */
static int run(const char *command)
{
	char *text AUTO_FREE = mem_strdup(command);
	char *words[32];
	int count = 0;
	char *rest = text;
	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
		words[count++] = word;
	fake_daemon.count = 0;
	capture_begin(&output);
	int code = cli_run(&(struct cli_port){ NULL, call }, count, words);
	capture_end(&output);
	return code;
}

static void answer(unsigned at, unsigned status, const char *lines)
{
	fake_daemon.answers[at] = (struct answer){ .status = status, .lines = lines };
}

static int reset(void **state)
{
	(void)state;
	fake_daemon = (struct fake_daemon){ 0 };
	return 0;
}

static void expect_output(const char *where, const char *text)
{
	if (strstr(where, text) == NULL)
		fail_msg("\"%s\" does not contain \"%s\"", where, text);
}

/* ---- exit codes ---- */

static void exit_codes(void **state)
{
	(void)state;
	static const struct {
		unsigned status;
		int code;
	} cases[] = { { 400, CLI_USAGE },  { 404, CLI_NOT_FOUND },   { 405, CLI_FAILED }, { 409, CLI_FAILED },
				  { 413, CLI_FAILED }, { 503, CLI_UNREACHABLE }, { 500, CLI_FAILED } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		answer(0, cases[i].status, "{\"error\":\"because\"}");
		assert_int_equal(run("saga show 1"), cases[i].code);
		expect_output(output.err, "almoner: because");
	}
	fake_daemon.answers[0] = (struct answer){ .code = ERR_CLOSED, .lines = "no daemon" };
	assert_int_equal(run("saga pause 1"), CLI_UNREACHABLE);
	fake_daemon.answers[0] = (struct answer){ .code = ERR_REFUSED, .lines = "not your socket" };
	assert_int_equal(run("status"), CLI_UNREACHABLE);
	fake_daemon.answers[0] = (struct answer){ .code = ERR_IO, .lines = "broke off" };
	assert_int_equal(run("saga list"), CLI_FAILED);
	answer(0, 200, "{\"id\":1,\"state\":\"running\",\"steps\":[]}\n{\"error\":\"the disk is gone\"}");
	assert_int_equal(run("saga list --json"), CLI_FAILED); /* the answer fails in the middle */
	expect_output(output.err, "the disk is gone");
	answer(0, 200, "{\"sound\":false,\"findings\":1,\"lines\":[\"commit 7 is missing\"]}");
	assert_int_equal(run("verify"), CLI_FAILED);
	expect_output(output.out, "commit 7 is missing");
	answer(0, 200, "");
	assert_int_equal(run("saga show 1 --json"), CLI_OK);
}

static void usage(void **state)
{
	(void)state;
	static const char *const bad[] = { "saga show",
									   "saga show 1 2",
									   "saga retry 1",
									   "status now",
									   "saga resume",
									   "saga resume 1 --all",
									   "saga resolve 1 crm",
									   "saga list -x",
									   "saga list --all",
									   "saga resolve 1 crm --done --not-done",
									   "saga resume 1 --state attention",
									   "frobnicate" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (run(bad[i]) != CLI_USAGE)
			fail_msg("%s is no usage error", bad[i]);
		assert_int_equal(fake_daemon.count, 0); /* no request was sent */
		expect_output(output.err, "almoner: ");
	}
	assert_int_equal(run("saga resume --help"), CLI_OK);
	expect_output(output.out, "--redo-in-doubt");
	struct buf known AUTO_BUF = { 0 };
	assert_true(cli_suggest("saga", &known));
	expect_output(known.data, "almoner saga resume");
	assert_false(cli_suggest("sag", &known));
	assert_false(cli_suggest("status", &known));
	char *words[] = { (char[]){ "saga" }, (char[]){ "show" } };
	assert_true(cli_has_command(2, words));
	assert_false(cli_has_command(1, words));
}

/* ---- requests ---- */

static void requests_sent(void **state)
{
	(void)state;
	answer(0, 200, "{\"changed\":1,\"state\":\"completed\"}");
	assert_int_equal(run("saga resolve 7 crm --done --id X-1 --reason seen"), CLI_OK);
	expect_output(fake_daemon.asked[0], "POST /v1/sagas/7/resolve ");
	expect_output(fake_daemon.asked[0], "\"as\":\"done\"");
	expect_output(fake_daemon.asked[0], "\"result\":{\"id\":\"X-1\"}");
	expect_output(fake_daemon.asked[0], "\"reason\":\"seen\"");
	assert_null(strstr(output.out, "saga redo"));
	assert_int_equal(run("saga resolve 7 crm --not-done"), CLI_OK);
	expect_output(fake_daemon.asked[0], "\"as\":\"not_done\"");
	expect_output(output.out, "to send it: almoner saga redo 7 crm\n");
	assert_int_equal(run("event reprocess forms/a/b?c"), CLI_OK);
	expect_output(fake_daemon.asked[0], "POST /v1/reprocess/forms/a%2Fb%3Fc ");
	assert_int_equal(run("target pause a/b"), CLI_OK);
	expect_output(fake_daemon.asked[0], "POST /v1/targets/a%2Fb/pause ");
	answer(0, 200, "");
	assert_int_equal(run("log export --after 5"), CLI_OK);
	expect_output(fake_daemon.asked[0], "GET /v1/log?after=5 ");
	answer(1, 200, "{\"count\":0}");
	assert_int_equal(run("saga list --state attention --older 2h"), CLI_OK);
	expect_output(fake_daemon.asked[0], "GET /v1/sagas?state=attention&older=2h&limit=50 ");
	expect_output(fake_daemon.asked[1], "GET /v1/sagas/count?state=attention&older=2h ");
	expect_output(output.out, "no saga matches");
	assert_int_equal(run("saga list --json"), CLI_OK);
	assert_string_equal(fake_daemon.asked[0], "GET /v1/sagas "); /* without a limit */
	assert_int_equal(fake_daemon.count, 1);
	assert_int_equal(run("saga list --json --limit 1&state=x"), CLI_OK);
	assert_string_equal(fake_daemon.asked[0],
						"GET /v1/sagas?limit=1%26state%3Dx "); /* one parameter, not two */
	assert_int_equal(run("job list --json --limit 1&before=2"), CLI_OK);
	assert_string_equal(fake_daemon.asked[0], "GET /v1/jobs?limit=1%26before%3D2 ");
}

/* ---- bulk verbs ---- */

#define SUMMARY(dry, matched, rest) "{\"done\":true,\"dry_run\":" dry ",\"matched\":" matched rest "}"

static void bulk(void **state)
{
	(void)state;
	answer(0, 200, SUMMARY("true", "3", ""));
	answer(1, 200, "{\"job\":7,\"already\":false}");
	answer(2, 200,
		   "{\"saga\":3,\"changed\":1}\n{\"saga\":2,\"error\":\"moved on\"}\n" SUMMARY(
			   "false", "3",
			   ",\"job\":7,\"state\":\"done\",\"moved\":2,\"refused\":1,\"in_doubt\":2,\"held\":5,\"held_"
			   "targets\":{\"crm\":4,\"books\":1}"));
	assert_int_equal(run("saga resume --all --dry-run"), CLI_OK);
	assert_int_equal(fake_daemon.count, 1);
	expect_output(fake_daemon.asked[0], "POST /v1/bulk/resume ");
	expect_output(fake_daemon.asked[0], "\"dry_run\":true");
	expect_output(output.out, "3 sagas match");
	/* Standard input is not a terminal: nothing is done without --yes. */
	int null = dup(STDIN_FILENO);
	assert_non_null(freopen("/dev/null", "r", stdin));
	assert_int_equal(run("saga resume --all"), CLI_FAILED);
	assert_int_equal(fake_daemon.count, 1);
	expect_output(output.err, "--yes");
	assert_true(dup2(null, STDIN_FILENO) >= 0);
	close(null);
	assert_int_equal(run("saga resume --all --state attention --yes --reason corrected --rate 50/s"),
					 CLI_FAILED); /* one saga was refused */
	assert_int_equal(fake_daemon.count, 3);
	expect_output(fake_daemon.asked[1], "\"wait\":false");
	expect_output(fake_daemon.asked[1], "\"rate\":\"50/s\"");
	expect_output(fake_daemon.asked[1], "\"expected\":3");
	expect_output(fake_daemon.asked[2], "GET /v1/jobs/7/lines ");
	expect_output(fake_daemon.asked[1], "POST /v1/bulk/resume?state=attention ");
	expect_output(fake_daemon.asked[1], "\"dry_run\":false");
	expect_output(fake_daemon.asked[1], "\"reason\":\"corrected\"");
	expect_output(output.out, "2 of 3 sagas changed");
	expect_output(output.out, "2 steps are in doubt");
	expect_output(output.out, "4 steps wait because target crm is held or paused: almoner target resume crm");
	expect_output(output.out, "1 step waits because target books");
	assert_int_equal(run("saga resume --all --yes --json"), CLI_FAILED);
	expect_output(output.err, "3 match");
	for (char *rest = output.out, *one = strsep(&rest, "\n"); one != NULL && *one != '\0';
		 one = strsep(&rest, "\n")) {
		json_t *line = json_loads(one, 0, NULL);
		assert_non_null(line);
		json_decref(line);
	}
}

/* --no-wait prints the number of the job and a hint, and does not follow the job. */
static void not_waited_for(void **state)
{
	(void)state;
	answer(0, 200, SUMMARY("true", "3", ""));
	answer(1, 200, "{\"job\":7,\"already\":true,\"actor\":\"uid 5\"}");
	assert_int_equal(run("saga resume --all --yes --no-wait"), CLI_OK);
	assert_int_equal(fake_daemon.count, 2);
	expect_output(output.out, "job 7\n");
	expect_output(output.err, "job show 7");
	expect_output(output.err, "the same operation already runs, as job 7 of uid 5");
	assert_int_equal(run("saga resume 4 --no-wait"), CLI_USAGE);
	expect_output(output.err, "need --all");
}

/* The daemon restarts during a job: the command reports that once and follows the job to its end. */
static void waits_through_a_restart(void **state)
{
	(void)state;
	answer(0, 200, SUMMARY("true", "3", ""));
	answer(1, 200, "{\"job\":7}");
	fake_daemon.answers[2] = (struct answer){ .code = ERR_IO, .lines = "broke off" };
	answer(3, 200, SUMMARY("false", "3", ",\"job\":7,\"state\":\"cancelled\",\"moved\":1"));
	assert_int_equal(run("saga resume --all --yes"), CLI_FAILED);
	assert_int_equal(fake_daemon.count, 4);
	expect_output(output.out, "1 of 3 sagas changed");
	expect_output(output.err, "job 7 continues when it runs again");
	expect_output(output.err, "job 7 was cancelled");
}

static void nothing_matched(void **state)
{
	(void)state;
	answer(0, 200, SUMMARY("true", "0", ",\"held\":9,\"held_targets\":{\"crm\":9},\"passed_over\":1"));
	assert_int_equal(run("saga resume --all --yes"), CLI_OK);
	assert_int_equal(fake_daemon.count, 1);
	expect_output(output.out, "0 sagas match");
	expect_output(output.out, "target resume crm");
	expect_output(output.out, "1 open saga is left out");
}

static void several_ids(void **state)
{
	(void)state;
	answer(0, 200, "{\"changed\":1,\"state\":\"running\",\"held\":1,\"held_targets\":{\"crm\":1}}");
	answer(1, 404, "{\"error\":\"there is no saga 9\"}");
	answer(2, 200, "{\"changed\":0,\"in_doubt\":1,\"state\":\"attention\"}");
	assert_int_equal(run("saga resume 8 9 10"), CLI_NOT_FOUND);
	assert_int_equal(fake_daemon.count, 3); /* a saga that does not exist does not stop the others */
	expect_output(output.out, "saga 8: resume: done; the saga is now running");
	expect_output(output.out, "target resume crm");
	expect_output(output.out, "saga 10: resume: nothing to change");
	expect_output(output.out, "1 step is in doubt");
	expect_output(output.err, "no saga 9");
}

/* ---- texts for operators ---- */

static void table(void **state)
{
	(void)state;
	answer(0, 200,
		   "{\"id\":8,\"state\":\"attention\",\"reason\":\"in_doubt\",\"created_at\":\"2026-01-01T00:00:00."
		   "000Z\","
		   "\"source\":\"forms\",\"type\":\"donation.created\",\"steps\":[{\"name\":\"crm\",\"state\":"
		   "\"attention\","
		   "\"reason\":\"in_doubt\"},{\"name\":\"books\",\"state\":\"succeeded\",\"reason\":null}]}");
	answer(1, 200, "{\"count\":1234}");
	assert_int_equal(run("saga list"), CLI_OK);
	expect_output(output.out, "attention(in_doubt)");
	expect_output(output.out, "crm attention(in_doubt), books succeeded");
	expect_output(output.out, "and 1233 older ones");
	answer(1, 200, "{\"count\":1}");
	assert_int_equal(run("saga list"), CLI_OK);
	assert_null(strstr(output.out, "older"));
}

/* Control characters from donors and platforms do not reach the terminal. */
static void control_characters(void **state)
{
	(void)state;
	answer(0, 200,
		   "{\"saga\":1,\"type\":\"a\\u001b[2Jb\\nc\",\"event_id\":\"\\u009b31m\",\"source\":\"s\",\"raw_"
		   "bytes\":4,"
		   "\"raw\":\"x\\ny\\u0007\",\"canonical\":null}");
	assert_int_equal(run("event show 1"), CLI_OK);
	assert_null(strchr(output.out, '\x1b'));
	assert_null(strchr(output.out, '\x07'));
	assert_null(strstr(output.out, "\xc2\x9b"));
	expect_output(output.out, "a?[2Jb?c");
	expect_output(output.out, "x\ny?"); /* line ends of the raw body stay */
	assert_int_equal(run("event show 1 --json"), CLI_OK);
	json_t *event = json_loads(output.out, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(event, "type")),
						"a\x1b[2Jb\nc"); /* --json leaves the text as it is */
	assert_null(strchr(output.out, '\x1b'));
	json_decref(event);
}

static void targets(void **state)
{
	(void)state;
	answer(0, 200,
		   "{\"name\":\"crm\",\"connector\":\"http\",\"state\":\"held\",\"reason\":\"credentials\","
		   "\"breaker\":null,"
		   "\"in_flight\":0,\"backlog\":3}");
	assert_int_equal(run("target list"), CLI_OK);
	expect_output(output.out, "credentials");
	assert_int_equal(run("target show crm"), CLI_OK);
	expect_output(output.out, "held");
	assert_int_equal(run("target show cr"), CLI_NOT_FOUND);
	answer(0, 200, "{\"changed\":1,\"paused_by\":\"configuration\"}");
	assert_int_equal(run("target resume crm"), CLI_OK);
	expect_output(output.out, "target crm: resumed\n");
	expect_output(output.out, "stays paused");
	assert_int_equal(run("target pause crm"), CLI_OK);
	expect_output(output.out, "target crm: paused; events are still accepted and wait\n");
	assert_null(strstr(output.out, "stays paused"));
	answer(0, 200,
		   "{\"daemon\":true,\"accepted\":2,\"sagas\":{\"completed\":2},\"intake\":{\"host\":\"::1\","
		   "\"port\":81}}");
	answer(1, 200, "");
	assert_int_equal(run("status"), CLI_OK);
	expect_output(output.out, "::1:81");
	expect_output(output.out, "no targets are configured");
}

#define T(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = { T(exit_codes),
										T(usage),
										T(requests_sent),
										T(bulk),
										T(nothing_matched),
										T(not_waited_for),
										T(waits_through_a_restart),
										T(several_ids),
										T(table),
										T(control_characters),
										T(targets) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
