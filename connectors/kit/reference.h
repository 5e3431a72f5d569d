/* A short name for the record that a step creates. Every attempt computes the same name, so a connector can
 * look for its own record by it. For targets with a reference number of limited length. */
#ifndef ALMONER_KIT_REFERENCE_H
#define ALMONER_KIT_REFERENCE_H

#include "connectors/almoner_connector.h"

/* "al-", 16 hex digits and the NUL. QuickBooks allows 21 characters in a PaymentRefNum (vendor's
 * documents). */
#define KIT_REFERENCE_BYTES 20

/* Writes "al-" and the 64-bit FNV-1a of source, event id and step name. The hash is no secret, and a sender
 * can choose events whose references are equal: a connector that finds a record by its reference must also
 * compare the amount. */
void kit_reference_of(const struct almoner_step *step, char out[KIT_REFERENCE_BYTES]);

#endif
