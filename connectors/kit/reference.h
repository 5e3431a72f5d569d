/* A short name for what a step makes, the same whenever and wherever it is computed: for targets where we
 * look for our own records by a reference number. */
#ifndef ALMONER_KIT_REFERENCE_H
#define ALMONER_KIT_REFERENCE_H

#include "connectors/almoner_connector.h"

#define KIT_REFERENCE_BYTES 20

/* "al-" and 16 hex digits of a 64-bit FNV-1a over source, event id and step name. Not a secret and not proof
 * against design; whoever looks records up by it compares amounts as well. */
void kit_reference_of(const struct almoner_step *step, char out[KIT_REFERENCE_BYTES]);

#endif
