/* Calls that break a contract of gateway/cli end the process instead of doing harm later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/cli/bulk.h"
#include "gateway/cli/timeline.h"
#include "tests/support/wrong_call.h"

static void option_set_that_does_not_exist(void)
{
	struct args args;
	if (args_parse(0, NULL, ARGS_SETS_END, &args, NULL) != 0)
		return;
}

static void show_without_an_operand(void)
{
	cli_sagas_show(&(struct command_run){ .verb = "show" });
}

static void pause_of_two_targets(void)
{
	cli_verbs_target_pause(&(struct command_run){ .verb = "pause", .args = { .operand_count = 2 } });
}

static void bulk_without_all(void)
{
	if (bulk_run(&(struct command_run){ .verb = "resume" }, "never") != CLI_OK)
		return;
}

static void path_without_a_slash(void)
{
	struct command_run run = { .verb = "list" };
	if (run_copy(&run, "v1/sagas") != CLI_OK)
		return;
}

static void event_path_without_a_slash(void)
{
	struct buf path = { 0 };
	run_event_path("/v1/events", "7", &path);
}

static void wait_for_no_time(void)
{
	run_reconnect(&(struct command_run){ .verb = "resume" }, 0);
}

static void usage_error_without_a_text(void)
{
	run_usage("");
}

static void help_without_a_name(void)
{
	struct buf out = { 0 };
	cli_help_line("", "", "help", &out);
}

static void timeline_of_nothing(void)
{
	timeline_print(NULL);
}

static void wrong_calls_end_the_process(void **state)
{
	(void)state;
	static void (*const calls[])(void) = { option_set_that_does_not_exist,
										   show_without_an_operand,
										   pause_of_two_targets,
										   bulk_without_all,
										   path_without_a_slash,
										   event_path_without_a_slash,
										   wait_for_no_time,
										   usage_error_without_a_text,
										   help_without_a_name,
										   timeline_of_nothing };
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (!wrong_call_ends_process(calls[i]))
			fail_msg("call %zu did not end the process", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(wrong_calls_end_the_process) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
