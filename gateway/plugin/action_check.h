/* Checks a connector's answer against the connector interface before the engine acts on it. Internal to
 * this module. */
#ifndef ALMONER_PLUGIN_ACTION_CHECK_H
#define ALMONER_PLUGIN_ACTION_CHECK_H

#include "connectors/almoner_connector.h"
#include "saga/base/check.h"

/* Returns 0, or -1 with a sentence in `error`. `purpose` is the attempt's (enum almoner_purpose). */
int action_check(const struct almoner_action *action, uint32_t purpose,
				 struct almoner_error *error) MUST_CHECK;

#endif
