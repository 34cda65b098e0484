/** What a unit is written for. Paths are absolute. */
export interface UnitPlaces {
  /** The command that starts the product, as systemd splits it. */
  readonly command: string;
  readonly configFile: string;
  /** Port of the public listener. */
  readonly port: number;
  /** Below `/var/lib`: systemd makes it for a user that exists only while the service runs. */
  readonly stateDirName: string;
}

/** Where a package manager puts things. */
export const USUAL_PLACES: UnitPlaces = {
  command: '/usr/local/bin/sallyport',
  configFile: '/etc/sallyport/sallyport.yaml',
  port: 8443,
  stateDirName: 'sallyport',
};

/**
 * A unit of systemd (systemd.exec(5)) that gives the gateway nothing beyond its port, its state and its configuration.
 * `systemd-analyze security` rates it 1.1,
 * with a port below 1024 1.5: the capability for it rules out a user namespace of its own.
 */
export function systemdUnit({ command, configFile, port, stateDirName }: UnitPlaces): string {
  return `# Sallyport as a service of systemd. "sallyport init --systemd" writes it with the paths of a machine.
[Unit]
Description=Sallyport, the security gateway for vLLM
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
ExecStart=${command} serve --config ${configFile} --state-dir /var/lib/${stateDirName} --log-format json
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
# Longer than shutdown.grace, in which running answers end.
TimeoutStopSec=45

# A user that exists only while the service runs.
DynamicUser=yes
StateDirectory=${stateDirName}
StateDirectoryMode=0700
UMask=0077
# A secret comes as a file that only this service reads:
#   apiKey: \${file:/run/credentials/sallyport.service/vllm-api-key}
LoadCredential=-vllm-api-key:/etc/sallyport/vllm-api-key
# What the configuration takes from the environment, such as VLLM_API_KEY=…; read by systemd, so it may be root's alone.
EnvironmentFile=-/etc/sallyport/environment

${port > 0 && port < FIRST_FREE_PORT ? PORT_CAPABILITY : NO_CAPABILITY}

LimitNOFILE=65536
OOMPolicy=stop

NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
PrivateMounts=yes
DevicePolicy=closed
RemoveIPC=yes
# Netlink tells the addresses of the machine, on which serve looks for a vLLM that is open around it.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# The runtime compiles at run time, so MemoryDenyWriteExecute cannot be set.

[Install]
WantedBy=multi-user.target
`;
}

/** Below it a port needs a capability (ip(7), `ip_unprivileged_port_start`). */
const FIRST_FREE_PORT = 1024;
const PORT_CAPABILITY = `# For the port; nothing else is granted.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE`;
const NO_CAPABILITY = `CapabilityBoundingSet=
PrivateUsers=yes`;
