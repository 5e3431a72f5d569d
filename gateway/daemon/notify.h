/* Reports to systemd that the daemon is ready, stops, or needs longer to start (sd_notify protocol: one
 * datagram to the unix socket that $NOTIFY_SOCKET names). Written here because linking libsystemd for a few
 * datagrams is not worth a dependency. */
#ifndef ALMONER_GATEWAY_DAEMON_NOTIFY_H
#define ALMONER_GATEWAY_DAEMON_NOTIFY_H

/* `state`: "READY=1", "STOPPING=1" or "EXTEND_TIMEOUT_USEC=…". Without $NOTIFY_SOCKET nothing happens; errors
 * are ignored, because the daemon works without a supervisor too. */
void notify_supervisor(const char *state);

#endif
