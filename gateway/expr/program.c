#include "gateway/expr/program.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/expr/convert.h"
#include "gateway/expr/jq_timeout.h"
#include "saga/base/array.h"
#include "saga/base/mem.h"

/* Put before each program, on a line of its own. It makes the environment empty, and takes away the
 * functions that read, write, or end the process. A program cannot use `import` or `include` either,
 * because they must come first. */
#define PRELUDE                                                                                              \
	"def env: {}; def stderr: .; def debug: .; def input_filename: null; "                                   \
	"def halt: error(\"halt is not available here\"); def halt_error: halt; def halt_error(x): halt; "       \
	"def modulemeta: error(\"modules are not available here\"); def get_search_list: []; {} as $ENV |\n"

/* Compiled programs that a thread keeps; the least recently used one is dropped for a new one. Chosen. */
#define PROGRAMS_MAX 256

struct program {
	uint8_t key[PROGRAM_KEY_BYTES];
	jq_state *jq; /* NULL: it does not compile and `fault` says why, or it is to be compiled again */
	char *fault;
	unsigned long last_use;
};

struct program_cache {
	struct jq_timeout_slot *timeout;
	struct program *programs;
	size_t count;
	unsigned long use_counter;
};

/* ---- compiling ---- */

static void collect_fault(void *ctx, jv message)
{
	struct buf *to = ctx;
	jv text = jq_format_error(message);
	if (to->len == 0 && jv_get_kind(text) == JV_KIND_STRING)
		buf_text(to, jv_string_value(text)); /* later messages only count the errors */
	jv_free(text);
}

/* The jq function `input` calls this. libjq 1.6 calls it even if it is not set, through a null pointer. */
static jv empty_input(jq_state *jq, void *ctx)
{
	(void)jq;
	(void)ctx;
	return jv_invalid();
}

/* Makes one line of libjq's message "jq: error: foo/0 is not defined at <top-level>, line 2:\n.a | foo
 * ", and counts lines without the prelude. */
static char *format_fault(const char *raw)
{
	static const char start[] = "jq: error: ", shell_text[] = " (Unix shell quoting issues?)",
					  at_text[] = " at <top-level>, line ";
	if (strncmp(raw, start, sizeof start - 1) == 0)
		raw += sizeof start - 1;
	AUTO_BUF struct buf out = { 0 };
	size_t head = strcspn(raw, "\n");
	char *line AUTO_FREE = mem_strndup(raw, head);
	char *at = strstr(line, at_text);
	long number = at != NULL ? strtol(at + sizeof at_text - 1, NULL, 10) : 0;
	if (at != NULL)
		*at = '\0';
	char *shell_hint = strstr(line, shell_text);
	if (shell_hint != NULL)
		*shell_hint = '\0';
	buf_text(&out, line);
	if (number > 1)
		buf_printf(&out, " in line %ld", number - 1);
	const char *source = raw[head] == '\n' ? raw + head + 1 : "";
	size_t len = strcspn(source, "\n");
	while (len > 0 && source[len - 1] == ' ')
		len--;
	if (len > 0)
		buf_printf(&out, ": %.*s", (int)(len > 120 ? 120 : len), source);
	return buf_take(&out);
}

/* Returns NULL and sets *ret_fault, which the caller frees, when the text does not compile. */
static jq_state *compile(const char *text, char **ret_fault)
{
	AUTO_BUF struct buf raw = { 0 };
	char *full_text AUTO_FREE = mem_printf("%s%s", PRELUDE, text);
	jq_state *jq = jq_init();
	assert(jq != NULL);
	jq_set_error_cb(jq, collect_fault, &raw);
	int ok = jq_compile(jq, full_text);
	jq_set_error_cb(jq, NULL, NULL);
	jq_set_input_cb(jq, empty_input, NULL);
	if (ok)
		return jq;
	jq_teardown(&jq);
	*ret_fault = format_fault(raw.data != NULL ? raw.data : "does not compile");
	return NULL;
}

int program_check(const char *text, struct err *err)
{
	char *fault AUTO_FREE = NULL;
	jq_state *jq = compile(text, &fault);
	if (jq == NULL)
		return err_set(err, ERR_INVALID, "%s", fault);
	jq_teardown(&jq);
	return 0;
}

/* ---- the programs of one thread ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t programs_key;

static void program_clear(struct program *p)
{
	if (p->jq != NULL)
		jq_teardown(&p->jq);
	free(p->fault);
	*p = (struct program){ 0 };
}

static void programs_free(void *arg)
{
	struct program_cache *r = arg;
	for (size_t i = 0; i < r->count; i++)
		program_clear(&r->programs[i]);
	free(r->programs);
	jq_timeout_close(r->timeout);
	free(r);
}

/* The key's destructor does not run for the thread that ends the process. */
static void free_at_exit(void)
{
	struct program_cache *r = pthread_getspecific(programs_key);
	if (r != NULL && pthread_setspecific(programs_key, NULL) == 0)
		programs_free(r);
}

static void key_once(void)
{
	int rc = pthread_key_create(&programs_key, programs_free);
	assert(rc == 0);
	rc = atexit(free_at_exit);
	assert(rc == 0);
}

static struct program_cache *programs_of_thread(void)
{
	pthread_once(&once, key_once);
	struct program_cache *r = pthread_getspecific(programs_key);
	if (r != NULL)
		return r;
	r = mem_zalloc(sizeof *r);
	r->timeout = jq_timeout_open();
	int rc = pthread_setspecific(programs_key, r);
	assert(rc == 0);
	return r;
}

/* A linear search: it runs only when a program is compiled, which takes thousands of times longer. */
static struct program *programs_free_entry(struct program_cache *r)
{
	if (r->count < PROGRAMS_MAX) {
		ARRAY_GROW_BY_COUNT(r->programs, r->count);
		r->programs[r->count] = (struct program){ 0 };
		return &r->programs[r->count++];
	}
	struct program *oldest = &r->programs[0];
	for (size_t i = 1; i < r->count; i++) {
		if (r->programs[i].last_use < oldest->last_use)
			oldest = &r->programs[i];
	}
	program_clear(oldest);
	return oldest;
}

/* A text that does not compile is kept with its error, so that it is not compiled for each event. */
static struct program *programs_find(struct program_cache *r, const uint8_t key[PROGRAM_KEY_BYTES],
									 const char *text)
{
	struct program *p = NULL;
	for (size_t i = 0; i < r->count && p == NULL; i++) {
		if (memcmp(r->programs[i].key, key, PROGRAM_KEY_BYTES) == 0)
			p = &r->programs[i];
	}
	if (p == NULL) {
		p = programs_free_entry(r);
		memcpy(p->key, key, PROGRAM_KEY_BYTES);
	}
	if (p->jq == NULL && p->fault == NULL)
		p->jq = compile(text, &p->fault);
	p->last_use = ++r->use_counter;
	return p;
}

/* ---- running ---- */

/* Consumes `failed`, an invalid value: it holds the program's error, or marks the end of its values. */
static int error_at_end(jv failed, struct err *err)
{
	if (!jv_invalid_has_msg(jv_copy(failed))) {
		jv_free(failed);
		return 0;
	}
	jv message = jv_invalid_get_msg(failed);
	if (jv_get_kind(message) != JV_KIND_STRING)
		message = jv_dump_string(message, 0);
	int rc = err_set(err, ERR_INVALID, "%s", jv_string_value(message));
	jv_free(message);
	return rc;
}

/* Runs the program until its second value or its end. A time-out is an error even if a value was found
 * before. */
static int single_value(struct program_cache *r, struct program *p, jv input, jv *ret, struct err *err)
{
	jq_start(p->jq, input, 0);
	jq_timeout_begin(r->timeout, p->jq);
	jv value = jq_next(p->jq);
	jv more = jv_is_valid(value) ? jq_next(p->jq) : jv_invalid();
	if (jq_timeout_end(r->timeout)) {
		jv_free(value);
		jv_free(more);
		jq_teardown(&p->jq); /* programs_find compiles it again */
		return err_set(err, ERR_TOO_BIG, "stopped after more than %d ms of CPU time", EXPR_CPU_LIMIT_MS);
	}
	if (!jv_is_valid(value)) {
		int rc = error_at_end(value, err);
		*ret = jv_invalid();
		return rc;
	}
	bool more_than_one = jv_is_valid(more);
	int rc = more_than_one ? err_set(err, ERR_INVALID, "the program gives more than one value")
						   : error_at_end(more, err);
	if (more_than_one)
		jv_free(more);
	if (rc != 0)
		jv_free(value);
	else
		*ret = value;
	return rc;
}

int program_run(const uint8_t key[PROGRAM_KEY_BYTES], const char *text, struct expr_input *in, jv *ret,
				struct err *err)
{
	struct program_cache *r = programs_of_thread();
	struct program *p = programs_find(r, key, text);
	if (p->jq == NULL)
		return err_set(err, ERR_INVALID, "%s", p->fault);
	jv input;
	int rc = convert_input(in, &input, err);
	if (rc != 0)
		return rc;
	return single_value(r, p, input, ret, err);
}
