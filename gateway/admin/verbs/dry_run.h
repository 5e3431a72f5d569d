/* What a verb would do, tried on a copy: for --dry-run, and to count before acting. And how many steps wait
 * only because their target is paused or held. Private to the room. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_DRY_RUN_H
#define ALMONER_GATEWAY_ADMIN_VERBS_DRY_RUN_H

#include "config/config.h"
#include "saga/model/decide.h"

/* Decides on `s` itself, with the configuration's targets; ERR_REFUSED as the journal would. */
int dry_run_verb(struct saga *s, const struct config *config, int64_t now_ms, const struct verb_call *call,
				 unsigned *ret_changed, unsigned *ret_doubt, struct err *err) MUST_CHECK;

#endif
