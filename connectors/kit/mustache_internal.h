/* A Mustache template in memory; shared by reading and rendering. */
#ifndef ALMONER_KIT_MUSTACHE_INTERNAL_H
#define ALMONER_KIT_MUSTACHE_INTERNAL_H

#include "connectors/kit/mustache.h"

/* How deep sections may be nested. Chosen; no measurement. */
#define MUSTACHE_DEPTH_MAX 24

enum mustache_node_kind { NODE_TEXT, NODE_VARIABLE, NODE_UNESCAPED, NODE_SECTION, NODE_INVERTED, NODE_CLOSE };

/* One piece of a template. Nodes stand in the order of the source. Texts and names are ranges of the
 * source. */
struct mustache_node {
	enum mustache_node_kind kind;
	size_t begin; /* the offset at which the text or the name begins */
	size_t len;
	size_t close_index; /* NODE_SECTION, NODE_INVERTED: index of the node that closes it */
};

struct kit_mustache {
	char *source;
	struct mustache_node *nodes;
	size_t count;
	size_t capacity;
};

#endif
