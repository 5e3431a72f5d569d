/* Checks what a connector promises about a configured instance (struct almoner_traits). Internal to this
 * module. */
#ifndef ALMONER_GATEWAY_PLUGIN_TRAITS_CHECK_H
#define ALMONER_GATEWAY_PLUGIN_TRAITS_CHECK_H

#include "connectors/almoner_connector.h"
#include "saga/base/buf.h"
#include "saga/base/check.h"

/* The longest text of types and of types_of_original, in bytes; eight types of the longest length. Chosen. */
#define TRAITS_TYPES_BYTES 512

/* Returns 0, or ERR_INVALID with a sentence in `ret_fault` that names the field, what was found and what is
 * wanted. */
int traits_check(const struct almoner_traits *traits, struct buf *ret_fault) MUST_CHECK;

#endif
