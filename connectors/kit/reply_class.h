/* Which outcome an HTTP status stands for, when the target says nothing better in the body. */
#ifndef ALMONER_CONNECTORS_KIT_REPLY_CLASS_H
#define ALMONER_CONNECTORS_KIT_REPLY_CLASS_H

#include <stdint.h>

#include "connectors/almoner_connector.h"

/* An enum almoner_class. `effect`: a failed exchange that only read leaves no doubt, so what would be UNKNOWN
 * is UNREACHABLE then, and an EXISTS makes no sense and is REJECTED. */
uint32_t kit_reply_class_http(const struct almoner_reply *reply, enum almoner_effect effect);
/* The same for an SMTP reply code. */
uint32_t kit_reply_class_smtp(uint32_t code);

#endif
