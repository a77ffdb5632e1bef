//! Every bound of the program: name, value, unit, origin.

/// Longest node name, bytes. Source: heartbeat 3.0.6, `HOSTLENG` less its NUL.
pub const NODE_NAME_BYTES_MAX: usize = 99;

/// Largest encoded heartbeat message, bytes. Source: heartbeat 3.0.6, `MAXMSG`.
pub const HEARTBEAT_MESSAGE_BYTES_MAX: usize = 262_144;

/// Largest heartbeat message before compression or after decompression, bytes.
/// Source: heartbeat 3.0.6, `MAXUNCOMPRESSED`.
pub const HEARTBEAT_UNCOMPRESSED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Deepest nesting of struct fields. Source: heartbeat 3.0.6, the table of depth bytes.
pub const HEARTBEAT_MESSAGE_DEPTH_MAX: usize = 16;

/// Most fields in one message, nested ones counted. Ours: v1 messages have about 12, the
/// largest CRM messages some hundred.
pub const HEARTBEAT_MESSAGE_FIELDS_MAX: usize = 4096;

/// Longest list of a heartbeat message, packed, bytes; only making one is refused.
/// Source: heartbeat 3.0.6, the buffer `msg2netstring` packs a list in, less its NUL.
pub const HEARTBEAT_LIST_BYTES_MAX: usize = 1023;

/// Largest UDP payload over IPv4, bytes.
pub const UDP_PAYLOAD_BYTES_MAX: usize = 65_507;

/// Most nodes in a table, ping nodes counted. Source: heartbeat 3.0.6, `MAXNODE`.
pub const HEARTBEAT_NODES_MAX: usize = 100;

/// Most media. Source: heartbeat 3.0.6, `MAXMEDIA`.
pub const HEARTBEAT_MEDIA_MAX: usize = 64;

/// Own messages kept for retransmission. Source: heartbeat 3.0.6, `MAXMSGHIST`.
pub const HEARTBEAT_HISTORY_MAX: usize = 500;

/// Missing sequence numbers tracked for one sender. Source: heartbeat 3.0.6, `MAXMISSING`.
pub const HEARTBEAT_MISSING_MAX: usize = 500;

/// Highest index of a key in authkeys. Source: heartbeat 3.0.6, `MAXAUTH`.
pub const HEARTBEAT_AUTH_INDEX_MAX: u8 = 15;

/// Longest configuration file, bytes. Ours: published ones have at most some ten kilobytes.
pub const CONFIG_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Most findings about one configuration file; the rest are counted. Ours.
pub const CONFIG_FINDINGS_MAX: usize = 200;

/// Output of a child process that is kept, bytes, newlines counted. Ours.
pub const PROCESS_OUTPUT_BYTES_MAX: usize = 65_536;

/// Longest line of a child's output, bytes; a longer one is cut into several. Ours.
pub const PROCESS_LINE_BYTES_MAX: usize = 4096;

/// Longest packet in a capture file, bytes. Source: libpcap 1.10, `MAXIMUM_SNAPLEN`.
pub const CAPTURE_PACKET_BYTES_MAX: usize = 262_144;

/// Longest block of a pcapng file, bytes. Ours: a packet and its options are far below.
pub const CAPTURE_BLOCK_BYTES_MAX: usize = 1024 * 1024;

/// Most interfaces of one pcapng section. Ours.
pub const CAPTURE_INTERFACES_MAX: usize = 1024;

/// Most datagrams of a capture whose fragments are kept at a time. Ours.
pub const CAPTURE_FRAGMENTED_MAX: usize = 64;
/// Clients of one local socket. Ours: a node has less than ten.
pub const LOCAL_CLIENTS_MAX: usize = 256;

/// Clients of one local socket that one user other than root may have. Ours.
pub const LOCAL_CLIENTS_OF_USER_MAX: usize = 64;

/// Packets that wait for the token from which local clients of groups are read no more. Ours: some
/// turns of the token's worth.
pub const CPG_BACKLOG_PACKETS_MAX: usize = 1024;

/// Octets that may wait for a client of groups before it is dropped. Ours: 64 of the longest.
pub const CPG_CLIENT_QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Octets that may wait for a client of groups before no more is taken from it. Ours: four of the
/// longest.
pub const CPG_CLIENT_UNREAD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Messages, and octets of them, that are taken from local clients in one turn of the loop. Ours.
pub const CPG_TURN_MESSAGES_MAX: usize = 256;
/// See [`CPG_TURN_MESSAGES_MAX`].
pub const CPG_TURN_BYTES_MAX: usize = 256 * 1024;

/// Keys that users may add to those of a node. Ours.
pub const CMAP_KEYS_MAX: usize = 4096;

/// Longest value of such a key, bytes. Ours: the real one's messages have a mebibyte.
pub const CMAP_VALUE_BYTES_MAX: usize = 16 * 1024;

/// Most resource groups in haresources. Ours: published files have up to two.
pub const HARESOURCES_GROUPS_MAX: usize = 1000;

/// Most members of a ring. Source: corosync 3.1.7, `PROCESSOR_COUNT_MAX`; 2.4.6 and 1.4.10 the
/// same.
pub const TOTEM_MEMBERS_MAX: usize = 384;

/// Most retransmit requests in a token. Source: corosync 3.1.7, `RETRANSMIT_ENTRIES_MAX`.
pub const TOTEM_RTR_ENTRIES_MAX: usize = 30;

/// Messages between the oldest that is kept and the newest. Source: corosync 3.1.7,
/// `QUEUE_RTR_ITEMS_SIZE_MAX`.
pub const TOTEM_WINDOW_MESSAGES_MAX: usize = 16_384;

/// Longest mcast message, bytes; a real peer ends when it gets a longer one.
/// Source: corosync 3.1.7, `FRAME_SIZE_MAX`, asserted in `totemsrp.c`.
pub const TOTEM_MCAST_BYTES_MAX: usize = 65_536;

/// Packets that wait for the token at most: 4 MiB of full ones.
/// Source: corosync 3.1.7, `MESSAGE_QUEUE_MAX`.
pub const TOTEM_QUEUE_PACKETS_MAX: usize = 4 * 1024 * 1024 / 1410;

/// Largest XML document, bytes. Ours: a CIB of 20,000 resources has about 20 MB.
pub const CIB_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Deepest nesting of elements. Source: libxml2 2.9.14, `xmlParserMaxDepth`.
pub const CIB_DEPTH_MAX: usize = 256;

/// Longest XPath expression, bytes. Ours.
pub const XPATH_BYTES_MAX: usize = 64 * 1024;

/// Deepest nesting of an XPath expression and longest path, steps. Ours.
pub const XPATH_DEPTH_MAX: usize = 64;

/// Nodes that one XPath evaluation looks at before it is given up. Ours: a plain search in a
/// CIB of 20,000 resources looks at about half a million.
pub const XPATH_VISITS_MAX: usize = 5_000_000;

/// Former versions of the configuration that are kept. Source: Pacemaker 2.1.5, `cib_file.c`,
/// the largest number of a backup.
pub const CIB_ARCHIVES_MAX: u32 = 100;

/// Damaged configurations that are kept; the first makes room after that. Ours.
pub const CIB_SET_ASIDE_MAX: u32 = 1000;

/// So far above a node's own a ring's number is doubtful: forged, or following from a forged one.
/// No other node is a thousand million rings ahead. Ours.
pub const TOTEM_RING_SEQ_JUMP: u64 = 1 << 32;

/// Bytes of one ring's messages that are kept for those who miss them. Ours: a full window of
/// packets of 4096 bytes; forged ones could have sixteen times as much.
pub const TOTEM_WINDOW_BYTES_MAX: usize = TOTEM_WINDOW_MESSAGES_MAX * 4096;

/// Longest message of the ring, its groups included, bytes.
/// Source: corosync 3.1.7, `MESSAGE_SIZE_MAX`
pub const TOTEMPG_MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Most bytes of a message that isn't whole yet, for each sender.
/// Source: corosync 3.1.7, `struct assembly`
pub const TOTEMPG_ASSEMBLY_BYTES_MAX: usize = 1024 * 1024 + 65_536;

/// Most processes in groups of all nodes together. Ours: a node of pacemaker has seven.
pub const CPG_PROCESSES_MAX: usize = 65_536;
