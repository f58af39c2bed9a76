/**
 * Numbers of libvirt's RPC protocol, under libvirt's own names: src/remote/remote_protocol.x, src/rpc/virnetprotocol.x,
 * include/libvirt/virterror.h and libvirt-domain.h of libvirt 11.3.
 */

/** REMOTE_PROGRAM */
export const PROGRAM = 0x2000_8086;
/** QEMU_PROGRAM of src/remote/qemu_protocol.x: what QEMU's driver alone can do. */
export const QEMU_PROGRAM = 0x2000_8087;
/** REMOTE_PROTOCOL_VERSION, and QEMU_PROTOCOL_VERSION */
export const PROTOCOL_VERSION = 1;

export const PROCEDURE = {
  /** REMOTE_PROC_CONNECT_OPEN */
  connectOpen: 1,
  /** REMOTE_PROC_CONNECT_CLOSE */
  connectClose: 2,
  /** REMOTE_PROC_DOMAIN_CREATE: starts it */
  domainCreate: 9,
  /** REMOTE_PROC_DOMAIN_GET_XML_DESC */
  domainGetXmlDesc: 14,
  /** REMOTE_PROC_DOMAIN_LOOKUP_BY_ID */
  domainLookupById: 22,
  /** REMOTE_PROC_DOMAIN_LOOKUP_BY_NAME */
  domainLookupByName: 23,
  /** REMOTE_PROC_DOMAIN_LOOKUP_BY_UUID */
  domainLookupByUuid: 24,
  /** REMOTE_PROC_AUTH_LIST */
  authList: 66,
  /** REMOTE_PROC_AUTH_POLKIT */
  authPolkit: 70,
  /** REMOTE_PROC_DOMAIN_IS_PERSISTENT */
  domainIsPersistent: 151,
  /** REMOTE_PROC_DOMAIN_ATTACH_DEVICE_FLAGS */
  domainAttachDeviceFlags: 160,
  /** REMOTE_PROC_DOMAIN_HAS_MANAGED_SAVE_IMAGE */
  domainHasManagedSaveImage: 183,
  /** REMOTE_PROC_DOMAIN_GET_STATE */
  domainGetState: 212,
  /** REMOTE_PROC_CONNECT_LIST_ALL_DOMAINS */
  connectListAllDomains: 273,
  /** REMOTE_PROC_CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY */
  connectDomainEventCallbackRegisterAny: 316,
  /** REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE, which the daemon sends */
  domainEventCallbackLifecycle: 318,
  /** REMOTE_PROC_DOMAIN_DEFINE_XML_FLAGS */
  domainDefineXmlFlags: 350,
  /** REMOTE_PROC_DOMAIN_AUTHORIZED_SSH_KEYS_GET, since libvirt 6.10 */
  domainAuthorizedSshKeysGet: 424,
  /** REMOTE_PROC_DOMAIN_AUTHORIZED_SSH_KEYS_SET */
  domainAuthorizedSshKeysSet: 425,
} as const;

/** Of QEMU_PROGRAM. */
export const QEMU_PROCEDURE = {
  /** QEMU_PROC_DOMAIN_AGENT_COMMAND */
  domainAgentCommand: 3,
} as const;

/** virNetMessageType */
export const MESSAGE_TYPE = { call: 0, reply: 1, message: 2 } as const;

/** virNetMessageStatus */
export const STATUS = { ok: 0, error: 1 } as const;

/** remote_auth_type */
export const AUTH = { none: 0, sasl: 1, polkit: 2 } as const;

/** VIR_NET_MESSAGE_MAX, the largest message without its length word. */
export const MESSAGE_MAX_BYTES = 33_554_432;
/** VIR_NET_MESSAGE_LEN_MAX, the length word, which counts itself. */
export const LENGTH_WORD_BYTES = 4;
/** The length word and struct virNetMessageHeader (VIR_NET_MESSAGE_HEADER_MAX is 24). */
export const HEADER_BYTES = 28;

/** REMOTE_STRING_MAX */
export const STRING_MAX_BYTES = 4_194_304;
/**
 * Of a domain's name. The protocol has no limit but STRING_MAX_BYTES; QEMU's driver keeps a domain in a file "NAME.xml", and writes that
 * as "NAME.xml.new" (virDomainConfigFile() in libvirt's domain_conf.c, virFileRewrite() in virfile.c). A file's name has 255 bytes
 * (NAME_MAX in linux/limits.h); where a file system counts characters, 255 of at most four bytes.
 */
export const NAME_MAX_BYTES = 1_020;
/** Of the names of all domains in a list: 64 bytes for each of DOMAIN_LIST_MAX. Sorted, measured and escaped, more would take seconds. */
export const NAMES_MAX_BYTES = 1_048_576;
/** Of an error's words, which are cut there: more would not be read by anybody. */
export const WORDS_MAX_BYTES = 2_048;
/** REMOTE_AUTH_TYPE_LIST_MAX */
export const AUTH_TYPE_LIST_MAX = 20;
/** REMOTE_DOMAIN_LIST_MAX */
export const DOMAIN_LIST_MAX = 16_384;
/** REMOTE_DOMAIN_AUTHORIZED_SSH_KEYS_MAX */
export const AUTHORIZED_KEYS_MAX = 2_048;
/**
 * Of all of them: an RSA key of 4,096 bits has some 750 bytes. The guest itself says how long they are; libvirt lets 10 MiB of an agent's
 * answer through (QEMU_AGENT_MAX_RESPONSE in its qemu_agent.c), which take seconds to read.
 */
export const AUTHORIZED_KEYS_MAX_BYTES = 2_097_152;
/** VIR_UUID_BUFLEN */
export const UUID_BYTES = 16;

/** VIR_CONNECT_RO, a flag of virConnectOpenAuth: the daemon refuses whatever would change something. */
export const CONNECT_READ_ONLY = 1;

/** VIR_DOMAIN_XML_INACTIVE, of virDomainXMLFlags: the configuration, whether the domain runs or not. */
export const XML_INACTIVE = 2;

/** VIR_DOMAIN_XML_SECURE, of the same: with what an ordinary reader is not shown, which a definition without it would lose. */
export const XML_SECURE = 1;

/** virDomainModificationImpact, as flags: VIR_DOMAIN_AFFECT_LIVE and VIR_DOMAIN_AFFECT_CONFIG. */
export const AFFECT = { live: 1, config: 2 } as const;

/** virDomainAuthorizedSSHKeysSetFlags; with neither, all of the file is replaced. */
export const SET_KEYS = { append: 1, remove: 2 } as const;

/** VIR_DOMAIN_EVENT_ID_LIFECYCLE */
export const EVENT_LIFECYCLE = 0;

/** virErrorNumber */
export const ERROR = {
  /** VIR_ERR_INTERNAL_ERROR: anything without a code of its own; what QEMU says, and that there is no slot left */
  internalError: 1,
  /** VIR_ERR_NO_SUPPORT: the hypervisor's driver has no such function */
  noSupport: 3,
  /** VIR_ERR_SYSTEM_ERROR: what the kernel says, in words */
  systemError: 38,
  /** VIR_ERR_RPC: the daemon knows no such procedure, or cannot put its answer into a message */
  rpc: 39,
  /** VIR_ERR_NO_DOMAIN */
  noDomain: 42,
  /** VIR_ERR_AUTH_FAILED */
  authFailed: 45,
  /** VIR_ERR_OPERATION_INVALID: not in the state that it is in */
  operationInvalid: 55,
  /** VIR_ERR_CONFIG_UNSUPPORTED */
  configUnsupported: 67,
  /** VIR_ERR_OPERATION_TIMEOUT: another call to the same domain has not come to its end */
  operationTimeout: 68,
  /** VIR_ERR_ARGUMENT_UNSUPPORTED: of an agent, that the domain has no channel to one */
  argumentUnsupported: 74,
  /** VIR_ERR_AUTH_CANCELLED */
  authCancelled: 79,
  /** VIR_ERR_OPERATION_UNSUPPORTED */
  operationUnsupported: 84,
  /** VIR_ERR_AGENT_UNRESPONSIVE: it is not connected, or does not answer */
  agentUnresponsive: 86,
  /** VIR_ERR_ACCESS_DENIED */
  accessDenied: 88,
  /** VIR_ERR_AUTH_UNAVAILABLE */
  authUnavailable: 94,
  /** VIR_ERR_AGENT_COMMAND_TIMEOUT: it went away over a command, or took longer than `virsh guest-agent-timeout` gives it */
  agentCommandTimeout: 112,
  /** VIR_ERR_AGENT_COMMAND_FAILED: the agent's own refusal */
  agentCommandFailed: 113,
} as const;

/** virDomainState, in its own order, in the words of `virsh domstate`. */
export const STATES = [
  "no state",
  "running",
  "idle",
  "paused",
  "in shutdown",
  "shut off",
  "crashed",
  "pmsuspended",
] as const;
