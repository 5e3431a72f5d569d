/* The intake server with the real journal on a real file: every event that was answered 2xx exists after a
 * restart. */
#include "saga/base/entropy.h"
#include "saga/journal/figures.h"
#include "saga/journal/journal.h"
#include "tests/unit/intake/server_fixture.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "saga/store/store_sqlite.h"

#define SOURCES                                                                                              \
	"\"in\":{\"verify\":\"none\"},\"pay\":{\"verify\":\"none\",\"gift\":\".g\",\"gift_made\":\".made\","     \
	"\"related\":\"true\"}"

static enum admission to_disk(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	(void)ctx;
	(void)target;
	(void)bytes;
	(void)may_start_in_commit;
	return ADMISSION_DISK;
}

static void no_delivery(void *ctx, const struct handout *delivery)
{
	struct work *w;
	(void)ctx;
	struct work_list works = delivery->works;
	while ((w = STAILQ_FIRST(&works)) != NULL) {
		STAILQ_REMOVE_HEAD(&works, link);
		work_destroy(w);
	}
}

static void must_not_fail(void *ctx, const struct err *err)
{
	(void)ctx;
	fail_msg("the journal failed: %s", err->text);
}

static struct journal *open_journal(const char *dir)
{
	char *path AUTO_FREE = mem_printf("%s/log.db", dir);
	struct journal_options options = { .clock = clock_system(),
									   .entropy = entropy_system(),
									   .hooks = { NULL, to_disk, no_delivery, must_not_fail },
									   .actor = "test" };
	struct journal *j = NULL;
	struct err err = { 0 };
	if (store_sqlite_open(path, NULL, &options.store, &err) != 0 || journal_create(&options, &j, &err) != 0 ||
		journal_start_thread(j, &err) != 0)
		fail_msg("%s", err.text);
	return j;
}

static int accept_event(void *ctx, struct accept *a)
{
	return journal_accept(ctx, a);
}

static struct intake_server *open_intake(struct journal *j)
{
	struct config *config = server_fixture_config(SOURCES, "", "");
	const struct intake_server_options options = { .journal = { j, accept_event, NULL },
												   .clock = clock_system(),
												   .own_sweep = true };
	struct intake_server *s = NULL;
	struct err err = { 0 };
	if (intake_server_start(config, &options, &s, &err) != 0)
		fail_msg("%s", err.text);
	config_unref(config);
	return s;
}

/* The order in which the daemon stops. */
static void stop(struct intake_server *s, struct journal *j)
{
	intake_server_quiesce(s);
	journal_stop(j, "the test is over");
	assert_true(intake_server_wait_idle(s, 10000));
	intake_server_stop(s);
	journal_destroy(j);
}

static void remove_folder(const char *dir)
{
	DIR *folder = opendir(dir);
	const struct dirent *entry;
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		char *path AUTO_FREE = mem_printf("%s/%s", dir, entry->d_name);
		(void)unlink(path);
	}
	(void)closedir(folder);
	assert_int_equal(rmdir(dir), 0);
}

static void expect(struct intake_server *s, const char *path, const char *body, int status,
				   const char *answer)
{
	struct server_fixture d = { .intake = s };
	struct reply r;
	int fd = client_connect(&d);
	client_post(fd, path, "", body);
	client_read(fd, &r);
	if (r.status != status || strcmp(r.body != NULL ? r.body : "", answer) != 0)
		fail_msg("%s: wanted %d %s, got %s", body, status, answer, r.text);
	(void)close(fd);
}

static void accepted_is_there_after_a_restart(void **state)
{
	char dir[] = "/tmp/almoner-intake-XXXXXX";
	(void)state;
	assert_non_null(mkdtemp(dir));
	struct journal *j = open_journal(dir);
	struct intake_server *s = open_intake(j);
	expect(s, "/in/in", "{\"id\":\"e1\",\"type\":\"t\"}", 202, "{\"saga\":1,\"unrouted\":true}");
	expect(s, "/in/in", "no json", 202, "{\"saga\":2,\"quarantined\":true}");
	expect(s, "/in/pay", "{\"id\":\"early\",\"g\":\"g1\"}", 202, "{\"saga\":null,\"related\":true}");
	expect(s, "/in/pay",
		   "{\"id\":\"made\",\"g\":\"g1\",\"made\":true,\"type\":\"t\",\"amount\":{\"minor\":5,\"currency\":"
		   "\"EUR\"}}",
		   202, "{\"saga\":3,\"unrouted\":true}");
	expect(s, "/in/pay", "{\"id\":\"late\",\"g\":\"g1\"}", 202, "{\"saga\":3,\"related\":true}");
	stop(s, j);
	j = open_journal(dir);
	s = open_intake(j);
	struct journal_counts counts;
	journal_counts(j, &counts);
	assert_int_equal(counts.accepted, 5);
	assert_int_equal(counts.related, 2);
	journal_counts_finish(&counts);
	struct server_fixture d = { .intake = s };
	struct reply r;
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", "{\"id\":\"e1\",\"type\":\"t\"}");
	client_read(fd, &r);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, "{\"saga\":1,\"duplicate\":true"));
	/* A second event that says the gift was made belongs to the same gift. */
	client_post(fd, "/in/pay", "",
				"{\"id\":\"again\",\"g\":\"g1\",\"made\":true,\"type\":\"t\",\"amount\":{\"minor\":5,"
				"\"currency\":\"EUR\"}}");
	client_read(fd, &r);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, "{\"saga\":3,\"duplicate\":true"));
	(void)close(fd);
	stop(s, j);
	remove_folder(dir);
}

static int64_t accepted_of(struct journal *j)
{
	struct journal_counts counts;
	journal_counts(j, &counts);
	int64_t accepted = counts.accepted;
	journal_counts_finish(&counts);
	return accepted;
}

struct sender {
	struct intake_server *intake;
	unsigned number;
	unsigned accepted;
};

static void *send_many(void *arg)
{
	struct sender *s = arg;
	struct server_fixture d = { .intake = s->intake };
	int fd = client_connect(&d);
	for (unsigned i = 0; i < 50; i++) {
		struct reply r;
		char *body AUTO_FREE = mem_printf("{\"id\":\"%u-%u\",\"type\":\"t\"}", s->number, i);
		client_post(fd, "/in/in", "", body);
		client_read(fd, &r);
		if (r.status == 0)
			break; /* the server has stopped */
		s->accepted += r.status == 202;
	}
	(void)close(fd);
	return NULL;
}

/* The server stops while senders send: every event that was answered 202 is in the store. */
static void stopping_under_load(void **state)
{
	char dir[] = "/tmp/almoner-intake-XXXXXX";
	struct sender senders[8];
	pthread_t threads[8];
	(void)state;
	assert_non_null(mkdtemp(dir));
	struct journal *j = open_journal(dir);
	struct intake_server *s = open_intake(j);
	for (unsigned i = 0; i < 8; i++) {
		senders[i] = (struct sender){ s, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
	}
	while (accepted_of(j) < 40)
		(void)sched_yield();
	stop(s, j);
	unsigned accepted = 0;
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		accepted += senders[i].accepted;
	}
	j = open_journal(dir);
	assert_true(accepted_of(j) >= accepted);
	assert_true(accepted >= 40 - 8);
	journal_stop(j, "done");
	journal_destroy(j);
	remove_folder(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(accepted_is_there_after_a_restart),
										cmocka_unit_test(stopping_under_load) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
