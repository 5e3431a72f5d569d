/* The rules by which the model treats the steps of a target: for the journal, and for a dry run of a verb. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_CONFIG_RULES_H
#define ALMONER_GATEWAY_ADMIN_VERBS_CONFIG_RULES_H

#include "config/config.h"
#include "saga/model/decide.h"

/* From the options of the target and the traits that its connector reported. A repeat class that the
 * connector did not declare counts as unsafe: the class that never repeats a call by itself. Thread: any. */
struct step_rules config_rules(const struct config_target *t);

#endif
