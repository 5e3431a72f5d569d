/* One attempt between a scripted connector and a scripted transport. */
#ifndef ALMONER_TESTS_UNIT_ENGINE_ENGINE_FIXTURE_H
#define ALMONER_TESTS_UNIT_ENGINE_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/engine/attempt.h"

#define TEXT(s) { (s), sizeof(s) - 1 }

struct engine_fixture {
	/* What connector and host are to do: */
	struct almoner_action actions[20];
	unsigned action_count;
	bool fail_begin, inflight_full;
	/* What they were asked to do: */
	unsigned asked, effects_recorded, ended_calls, submits, cancels, checkpoints;
	bool began, conn_ended, gone;
	struct transport_request request;
	struct outcome outcome;
	char detail[400], result[200], checkpoint[64], key[33];
	struct almoner_step step;
	struct work *held_work;
	int64_t now_ms;
	/* The attempt and its surroundings: */
	struct attempt_host host;
	struct connector_port port;
	struct attempt *a;
};

struct work *fixture_work(void);
struct engine_fixture *fixture_create(void);
void fixture_start_with(struct engine_fixture *b, struct work *w, enum repeat repeat);
void fixture_start(struct engine_fixture *b);
void fixture_destroy(struct engine_fixture *b);
struct almoner_action *fixture_send(struct engine_fixture *b, uint32_t effect, const char *body);
struct almoner_action *fixture_finish(struct engine_fixture *b, uint32_t class);
void fixture_checkpoint(struct almoner_action *a, const char *text);
void fixture_reply(struct engine_fixture *b, uint32_t status);
void fixture_lose(struct engine_fixture *b, enum transport_verdict verdict);

#endif
