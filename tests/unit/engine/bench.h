/* One attempt between a scripted connector and a scripted transport. */
#ifndef ALMONER_TEST_ENGINE_BENCH_H
#define ALMONER_TEST_ENGINE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/engine/attempt.h"

#define TEXT(s)                                                                                              \
	{                                                                                                        \
		(s), sizeof(s) - 1                                                                                   \
	}

struct bench {
	/* script */
	struct almoner_action actions[20];
	unsigned action_count;
	bool refuse_begin, no_room;
	/* what happened */
	unsigned asked, noted, ended_calls, submits, cancels, checkpoints;
	bool began, conn_ended, gone;
	struct transport_request request;
	struct outcome outcome;
	char detail[400], result[200], checkpoint[64], key[33];
	struct almoner_step step;
	struct work *at_journal;
	int64_t now_ms;
	/* the thing itself */
	struct attempt_host host;
	struct connector_port port;
	struct attempt *a;
};

struct work *bench_work(void);
struct bench *bench_create(void);
void bench_start_with(struct bench *b, struct work *w, enum repeat repeat);
void bench_start(struct bench *b);
void bench_destroy(struct bench *b);
struct almoner_action *bench_send(struct bench *b, uint32_t effect, const char *body);
struct almoner_action *bench_finish(struct bench *b, uint32_t class);
void bench_checkpoint(struct almoner_action *a, const char *text);
void bench_reply(struct bench *b, uint32_t status);
void bench_lose(struct bench *b, enum transport_verdict verdict);

#endif
