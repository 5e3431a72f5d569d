/* What a verb would do to a saga, found out on a copy: for --dry-run, and to find the sagas of a bulk verb.
 */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_DRY_RUN_H
#define ALMONER_GATEWAY_ADMIN_VERBS_DRY_RUN_H

#include "config/config.h"
#include "saga/model/decide.h"

/* Applies the verb to `s`, which is the caller's copy, with the targets of `config`. Results and errors are
 * those of decide_verb (saga/model/decide.h). */
int dry_run_verb(struct saga *s, const struct config *config, int64_t now_ms, const struct verb_call *call,
				 unsigned *ret_changed, unsigned *ret_doubt, struct err *err) MUST_CHECK;

#endif
