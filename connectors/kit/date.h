/* Times of the event in the forms other systems want. Years 1970 … 9999. */
#ifndef ALMONER_KIT_DATE_H
#define ALMONER_KIT_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/kit/context.h"

#define KIT_DATE_BYTES 40

/* RFC 3339, "2026-11-23T22:09:00.5+01:00" (also with a space or a small t; a bare date counts as midnight
 * UTC). `ret_offset_min` is the written offset from UTC. */
bool kit_date_parse(const char *text, int64_t *ret_ms, int *ret_offset_min);

/* As the clock on the wall at that offset showed it. */
void kit_date_day(int64_t ms, int offset_min, char out[KIT_DATE_BYTES]);     /* 2026-11-23 */
void kit_date_seconds(int64_t ms, int offset_min, char out[KIT_DATE_BYTES]); /* 2026-11-23 22:09:00 */
void kit_date_mail(int64_t ms, int offset_min,
				   char out[KIT_DATE_BYTES]); /* Mon, 23 Nov 2026 22:09:00 +0100 */

/* When the gift happened: the event's occurred_at, else when the gateway accepted it. False when neither is
 * known. The same on every attempt. After kit_context_load. */
bool kit_date_of_event(struct kit_context *context, int64_t *ret_ms, int *ret_offset_min);

#endif
