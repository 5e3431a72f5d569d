/* Telling the supervisor (systemd's notify protocol: one datagram to $NOTIFY_SOCKET). Nothing happens without
 * one. */
#ifndef ALMONER_GATEWAY_DAEMON_NOTIFY_H
#define ALMONER_GATEWAY_DAEMON_NOTIFY_H

void notify_supervisor(const char *state); /* "READY=1", "STOPPING=1" */

#endif
