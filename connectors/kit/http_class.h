/* Which outcome an HTTP status stands for, when the target says nothing better in the body. */
#ifndef ALMONER_KIT_HTTP_CLASS_H
#define ALMONER_KIT_HTTP_CLASS_H

#include <stdint.h>

#include "connectors/almoner_connector.h"

/* An enum almoner_class. `effect`: a failed exchange that only read leaves no doubt, so what would be UNKNOWN
 * is UNREACHABLE then, and an EXISTS makes no sense and is REJECTED. */
uint32_t http_class(const struct almoner_reply *reply, enum almoner_effect effect);
/* The same for an SMTP reply code. */
uint32_t smtp_class(uint32_t code);

#endif
