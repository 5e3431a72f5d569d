/* The result class that a reply code stands for, if the target says nothing more exact in the body. */
#ifndef ALMONER_KIT_REPLY_CLASS_H
#define ALMONER_KIT_REPLY_CLASS_H

#include <stdint.h>

#include "connectors/almoner_connector.h"

/* The class of an HTTP reply, an enum almoner_class. After an exchange that only read (ALMONER_READS) the
 * class is never UNKNOWN or EXISTS: UNREACHABLE and REJECTED take their places. */
uint32_t kit_reply_class_http(const struct almoner_reply *reply, enum almoner_effect effect);
/* The class of the SMTP reply code that ends a mail exchange. */
uint32_t kit_reply_class_smtp(uint32_t code);
/* Turns UNKNOWN into UNREACHABLE after an exchange that only read: it leaves no doubt. All other classes stay
 * as they are. */
uint32_t kit_reply_class_after(uint32_t result_class, enum almoner_effect effect);

#endif
