/* The dictionary of form 1 of event payloads (event_codec.h). */
#ifndef ALMONER_MODEL_EVENT_DICTIONARY_H
#define ALMONER_MODEL_EVENT_DICTIONARY_H

#include "saga/base/str.h"

/* Never changes, since stored payloads refer to it: a better dictionary is a form of its own. */
struct str event_dictionary(void);

#endif
