/**
 * The offsets and sizes that the shell and the Node tools need. The build compiles this file by itself and
 * writes build/generated/stack_layout.h and layout.json from it: no layout is typed twice.
 */

import { Introduction } from "../ring/introduction";
import {
  Register,
  REFUSAL_TEXT_AT as refusalTextAt,
  REGISTRATION_MAX as registrationMax,
} from "../ring/registration";
import { Side } from "./ip/sides";
import { IntroductionStep, INTRODUCTION_PORT as introductionPort } from "./link/peer-port";
import { RingDue, RING_LANDING_SIZE as ringLandingSize } from "./link/ring-port";
import {
  Call,
  CALL_CONTROL as callControlAt,
  CALL_CONTROL_SIZE as callControlSize,
  CALL_ENDPOINT2 as callEndpoint2At,
  CALL_ENDPOINT as callEndpointAt,
  CALL_EVENT as callEventAt,
  CALL_OPTION as callOptionAt,
  CALL_OPTION_SIZE as callOptionSize,
  CALL_SPAN as callSpanAt,
  CALL_WAKE as callWakeAt,
  CALL_WAKES as callWakes,
  Endpoint,
  ReadyEvent,
  READY_SPENT as readySpent,
  Span,
} from "./memory/call";
import {
  CaptureArea,
  CaptureRecord,
  CAPTURE_RING as captureRing,
  CAPTURE_STEPS as captureSteps,
  CAPTURE_STEPS_MAX as captureStepsMax,
  RECORD_HEADER as recordHeader,
  RECORD_MOST as recordMost,
} from "./memory/capture-area";
import {
  BUFFER_SIZE as bufferSize,
  CALL as callAt,
  CALL_EVENTS as callEvents,
  CALL_SPANS as callSpans,
  COUNTERS as countersAt,
  JOURNAL as journalAt,
  JOURNAL_ENTRIES as journalEntries,
  JOURNAL_ROWS as journalRows,
  LATENCIES as latenciesAt,
  POOLS as poolsAt,
  PORTS as portsAt,
  PORTS_MAX as portsMax,
  REGION_SIZE_MIN as regionSizeMin,
  ROOT as rootAt,
  RX_BURST as rxBurst,
  SETTINGS as settingsAt,
  TX_RING as txRing,
  TX_SPANS as txSpans,
} from "./memory/map";
import { Pool, PoolId, POOLS_SHOWN as poolsShown } from "./memory/pool";
import {
  Port,
  PortFlag,
  PORT_RX as portRx,
  PORT_STRIDE as portStride,
  PORT_TX as portTx,
  RxFlag,
  RxFrame,
  RX_SEEN_SHIFT as rxSeenShift,
  RX_VLAN_SHIFT as rxVlanShift,
  TxFlag,
  TxSlot,
  TX_SLOT_SPANS as txSlotSpans,
  TX_SLOT_STRIDE as txSlotStride,
} from "./memory/port";
import { Root } from "./memory/root";
import { LogLevel, Setting } from "./memory/settings";
import { Wake } from "./memory/wake";
import {
  DROPS_AT as dropsAt,
  FALLBACKS_AT as fallbacksAt,
  journalRow,
  RESETS_AT as resetsAt,
  RETRANSMISSIONS_AT as retransmissionsAt,
} from "./stats/counters";
import { DropReason } from "./stats/drop";
import { FallbackReason } from "./stats/fallback";
import {
  CONNECTION_SIZE as connectionSize,
  JournalEntry,
  JOURNAL_STRIDE as journalStride,
  SUBJECT_CONNECTION as subjectConnection,
  SUBJECT_FRAME as subjectFrame,
  SUBJECT_SIZE as subjectSize,
} from "./stats/journal";
import { Latency, LATENCY_CELLS as latencyCells } from "./stats/latency";
import { Tcb } from "./tcp/tcb";

export const SIDE_STACK: u32 = Side.stack;
export const SIDE_KERNEL: u32 = Side.kernel;
export const SIDE_BOTH: u32 = Side.both;
export const REGION_SIZE_MIN: u32 = regionSizeMin;
export const ROOT: u32 = <u32>rootAt;
export const ROOT_MAGIC: u32 = <u32>offsetof<Root>("magic");
export const ROOT_BUILD_HASH: u32 = <u32>offsetof<Root>("buildHash");
export const ROOT_SIZE: u32 = <u32>offsetof<Root>("size");
export const BUFFER_SIZE: u32 = bufferSize;

export const CALL: u32 = <u32>callAt;
export const CALL_ENDPOINT_GIVEN: u32 = <u32>offsetof<Call>("endpoint");
export const CALL_SPAN_COUNT: u32 = <u32>offsetof<Call>("spanCount");
export const CALL_EVENT_COUNT: u32 = <u32>offsetof<Call>("eventCount");
export const CALL_WAKE_COUNT: u32 = <u32>offsetof<Call>("wakeCount");
export const CALL_VALUE: u32 = <u32>offsetof<Call>("value");
export const CALL_SEED: u32 = <u32>offsetof<Call>("seed0");
export const CALL_TIME_OF_DAY: u32 = <u32>offsetof<Call>("timeOfDay");
export const CALL_CONTROL_ROOM: u32 = <u32>offsetof<Call>("controlRoom");
export const CALL_CONTROL_LENGTH: u32 = <u32>offsetof<Call>("controlLength");
export const CALL_MESSAGE_FLAGS: u32 = <u32>offsetof<Call>("messageFlags");
export const CALL_CONTROL: u32 = <u32>callControlAt;
export const CALL_CONTROL_SIZE: u32 = callControlSize;
export const CALL_ENDPOINT: u32 = <u32>callEndpointAt;
export const CALL_ENDPOINT2: u32 = <u32>callEndpoint2At;
export const CALL_OPTION: u32 = <u32>callOptionAt;
export const CALL_OPTION_SIZE: u32 = callOptionSize;
export const CALL_SPAN: u32 = <u32>callSpanAt;
export const CALL_SPANS: u32 = callSpans;
export const CALL_EVENT: u32 = <u32>callEventAt;
export const CALL_EVENTS: u32 = callEvents;
export const CALL_WAKE: u32 = <u32>callWakeAt;
export const CALL_WAKES: u32 = callWakes;

export const ENDPOINT_HIGH: u32 = <u32>offsetof<Endpoint>("high");
export const ENDPOINT_LOW: u32 = <u32>offsetof<Endpoint>("low");
export const ENDPOINT_PORT: u32 = <u32>offsetof<Endpoint>("port");
export const ENDPOINT_VERSION: u32 = <u32>offsetof<Endpoint>("version");
export const ENDPOINT_SCOPE: u32 = <u32>offsetof<Endpoint>("scope");
export const ENDPOINT_SIZE: u32 = <u32>offsetof<Endpoint>();
export const SPAN_ADDRESS: u32 = <u32>offsetof<Span>("address");
export const SPAN_LENGTH: u32 = <u32>offsetof<Span>("length");
export const SPAN_SIZE: u32 = <u32>offsetof<Span>();
export const EVENT_DATA: u32 = <u32>offsetof<ReadyEvent>("data");
export const EVENT_EVENTS: u32 = <u32>offsetof<ReadyEvent>("events");
export const EVENT_FD: u32 = <u32>offsetof<ReadyEvent>("fd");
export const READY_SPENT: u32 = readySpent;
export const EVENT_SIZE: u32 = <u32>offsetof<ReadyEvent>();

export const PORTS: u32 = <u32>portsAt;
export const PORTS_MAX: u32 = portsMax;
export const PORT_STRIDE: u32 = <u32>portStride;
export const PORT_RX: u32 = <u32>portRx;
export const PORT_TX: u32 = <u32>portTx;
export const PORT_FLAGS: u32 = <u32>offsetof<Port>("flags");
export const PORT_TX_HEAD: u32 = <u32>offsetof<Port>("txHead");
export const PORT_TX_TAIL: u32 = <u32>offsetof<Port>("txTail");
export const PORT_INTERFACE: u32 = <u32>offsetof<Port>("interfaceIndex");
export const PORT_MTU: u32 = <u32>offsetof<Port>("mtu");
export const PORT_MAC: u32 = <u32>offsetof<Port>("mac");
export const PORT_SEGMENTATION_MAX: u32 = <u32>offsetof<Port>("segmentationMax");
export const PORT_LINK_UP: u32 = <u32>offsetof<Port>("linkUp");
export const RX_BURST: u32 = rxBurst;
export const RX_FRAME_ADDRESS: u32 = <u32>offsetof<RxFrame>("address");
export const RX_FRAME_LENGTH: u32 = <u32>offsetof<RxFrame>("length");
export const RX_FRAME_WIRE_LENGTH: u32 = <u32>offsetof<RxFrame>("wireLength");
export const RX_SEEN_SHIFT: u32 = rxSeenShift;
export const RX_FRAME_FLAGS: u32 = <u32>offsetof<RxFrame>("flags");
export const RX_FRAME_SIZE: u32 = <u32>offsetof<RxFrame>();
export const TX_RING: u32 = txRing;
export const TX_SPANS: u32 = txSpans;
export const TX_SLOT_STRIDE: u32 = <u32>txSlotStride;
export const TX_SLOT_SPANS: u32 = <u32>txSlotSpans;
export const TX_SLOT_SPAN_COUNT: u32 = <u32>offsetof<TxSlot>("spanCount");
export const TX_SLOT_FLAGS: u32 = <u32>offsetof<TxSlot>("flags");
export const TX_SLOT_SEGMENT_SIZE: u32 = <u32>offsetof<TxSlot>("segmentSize");
export const TX_SLOT_CHECKSUM_START: u32 = <u32>offsetof<TxSlot>("checksumStart");
export const TX_SLOT_CHECKSUM_OFFSET: u32 = <u32>offsetof<TxSlot>("checksumOffset");
export const TX_SLOT_HEADER_LENGTH: u32 = <u32>offsetof<TxSlot>("headerLength");
export const TX_SLOT_LENGTH: u32 = <u32>offsetof<TxSlot>("length");
export const TX_SLOT_LINK_LENGTH: u32 = <u32>offsetof<TxSlot>("linkLength");
export const PORT_FLAG_VNET_HEADER: u32 = PortFlag.vnetHeader;
export const PORT_FLAG_TX_CHECKSUM: u32 = PortFlag.txChecksum;
export const PORT_FLAG_SEGMENTATION: u32 = PortFlag.segmentation;
export const PORT_FLAG_RX_CHECKSUM: u32 = PortFlag.rxChecksum;
export const PORT_FLAG_PARTIAL_CHECKSUM: u32 = PortFlag.partialChecksum;
export const RX_FLAG_CHECKSUM_GOOD: u32 = RxFlag.checksumGood;
export const RX_FLAG_CHECKSUM_BAD: u32 = RxFlag.checksumBad;
export const RX_FLAG_VLAN: u32 = RxFlag.vlan;
export const RX_VLAN_SHIFT: u32 = rxVlanShift;
export const TX_FLAG_CHECKSUM: u32 = TxFlag.checksum;
export const TX_FLAG_SEGMENT: u32 = TxFlag.segment;
export const TX_FLAG_DATAGRAM: u32 = TxFlag.datagram;
export const TX_FLAG_IPV6: u32 = TxFlag.ipv6;

export const RING_LANDING_SIZE: u32 = ringLandingSize;
export const RING_DUE_KICK: u32 = RingDue.kick;
export const RING_DUE_END: u32 = RingDue.end;
export const INTRODUCTION_MAKE: u32 = IntroductionStep.make;
export const INTRODUCTION_TAKE: u32 = IntroductionStep.take;
export const INTRODUCTION_ANSWER: u32 = IntroductionStep.answer;
export const INTRODUCTION_CLOSE: u32 = IntroductionStep.close;
export const INTRODUCTION_PORT: u32 = introductionPort;
export const INTRODUCTION_SIZE: u32 = <u32>offsetof<Introduction>();
export const INTRODUCTION_REGION_SIZE: u32 = <u32>offsetof<Introduction>("regionSize");
export const REGISTRATION_MAX: u32 = registrationMax;
export const REGISTER_NAME: u32 = <u32>offsetof<Register>("nameFirst");
export const REFUSAL_TEXT_AT: u32 = refusalTextAt;

export const COUNTERS: u32 = <u32>countersAt;
export const DROPS: u32 = <u32>dropsAt;
export const RESETS: u32 = <u32>resetsAt;
export const FALLBACKS: u32 = <u32>fallbacksAt;
export const RETRANSMISSIONS: u32 = <u32>retransmissionsAt;
export const LATENCIES: u32 = <u32>latenciesAt;
export const LATENCY_CELLS: u32 = latencyCells;
export const COUNTERS_END: u32 = <u32>latenciesAt + Latency.count * latencyCells * 8;

export const ROOT_CAPTURING: u32 = <u32>offsetof<Root>("capturing");
export const CAPTURE_RING: u32 = <u32>captureRing;
export const CAPTURE_STEPS: u32 = <u32>captureSteps;
export const CAPTURE_STEPS_MAX: u32 = captureStepsMax;
export const CAPTURE_WRITTEN: u32 = <u32>offsetof<CaptureArea>("written");
export const CAPTURE_SEEN: u32 = <u32>offsetof<CaptureArea>("seen");
export const CAPTURE_TAKEN: u32 = <u32>offsetof<CaptureArea>("taken");
export const CAPTURE_SIZE: u32 = <u32>offsetof<CaptureArea>("size");
export const CAPTURE_SNAP: u32 = <u32>offsetof<CaptureArea>("snap");
export const CAPTURE_STEP_COUNT: u32 = <u32>offsetof<CaptureArea>("steps");
export const RECORD_HEADER: u32 = recordHeader;
export const RECORD_MOST: u32 = recordMost;
export const RECORD_CAPTURED: u32 = <u32>offsetof<CaptureRecord>("captured");
export const RECORD_ORIGINAL: u32 = <u32>offsetof<CaptureRecord>("original");
export const RECORD_PORT: u32 = <u32>offsetof<CaptureRecord>("port");
export const RECORD_IS_SENT: u32 = <u32>offsetof<CaptureRecord>("isSent");
export const RECORD_AT: u32 = <u32>offsetof<CaptureRecord>("at");
export const RECORD_REASON: u32 = <u32>offsetof<CaptureRecord>("reason");

export const JOURNAL: u32 = <u32>journalAt;
export const JOURNAL_ENTRIES: u32 = journalEntries;
export const JOURNAL_STRIDE: u32 = journalStride;
export const JOURNAL_DROPS: u32 = journalRow(dropsAt);
export const JOURNAL_RESETS: u32 = journalRow(resetsAt);
export const JOURNAL_FALLBACKS: u32 = journalRow(fallbacksAt);
export const JOURNAL_RETRANSMISSIONS: u32 = journalRow(retransmissionsAt);
export const JOURNAL_END: u32 = <u32>journalAt + journalRows * journalEntries * journalStride;
export const JOURNAL_AT: u32 = <u32>offsetof<JournalEntry>("at");
export const JOURNAL_NUMBER: u32 = <u32>offsetof<JournalEntry>("number");
export const JOURNAL_ABOUT: u32 = <u32>offsetof<JournalEntry>("about");
export const JOURNAL_LENGTH: u32 = <u32>offsetof<JournalEntry>("length");
export const JOURNAL_SUBJECT: u32 = <u32>offsetof<JournalEntry>();
export const JOURNAL_SUBJECT_SIZE: u32 = subjectSize;
export const SUBJECT_FRAME: u32 = subjectFrame;
export const SUBJECT_CONNECTION: u32 = subjectConnection;
export const CONNECTION_SIZE: u32 = connectionSize;
export const CONNECTION_LOCAL_PORT: u32 = 0;
export const CONNECTION_REMOTE_PORT: u32 = <u32>(offsetof<Tcb>("remotePort") - offsetof<Tcb>("localPort"));
export const CONNECTION_LOCAL: u32 = <u32>(offsetof<Tcb>("localHigh") - offsetof<Tcb>("localPort"));
export const CONNECTION_REMOTE: u32 = <u32>(offsetof<Tcb>("remoteHigh") - offsetof<Tcb>("localPort"));
export const CONNECTION_END: u32 = <u32>(offsetof<Tcb>("remoteLow") + 8 - offsetof<Tcb>("localPort"));
export const DROP_TRUNCATED: u32 = DropReason.truncated;
export const FALLBACK_UNSUPPORTED_TYPE: u32 = FallbackReason.unsupportedType;
export const FALLBACK_KERNEL_ADDRESS: u32 = FallbackReason.kernelAddress;
export const FALLBACK_KERNEL_ROUTE: u32 = FallbackReason.kernelRoute;
export const FALLBACK_EXCLUDED: u32 = FallbackReason.excluded;
export const FALLBACK_STACK_FAILED: u32 = FallbackReason.stackFailed;
export const FALLBACK_NO_MEMORY: u32 = FallbackReason.noMemory;
export const POOLS: u32 = <u32>poolsAt;
export const POOL_SIZE: u32 = <u32>offsetof<Pool>();
export const POOL_CAPACITY: u32 = <u32>offsetof<Pool>("capacity");
export const POOL_USED: u32 = <u32>offsetof<Pool>("used");
export const POOL_PEAK: u32 = <u32>offsetof<Pool>("peak");
export const POOL_EXHAUSTED: u32 = <u32>offsetof<Pool>("exhausted");
export const POOL_BASE: u32 = <u32>offsetof<Pool>("base");
export const POOL_STRIDE: u32 = <u32>offsetof<Pool>("stride");
export const POOL_TOUCHED: u32 = <u32>offsetof<Pool>("touched");
export const POOLS_SHOWN: u32 = poolsShown;
export const SETTINGS: u32 = <u32>settingsAt;
export const SETTING_COUNT: u32 = Setting.count;
export const SETTING_LOW_POWER: u32 = Setting.lowPower;
export const SETTING_INJECTING: u32 = Setting.injecting;
export const SETTING_LOG_LEVEL: u32 = Setting.logLevel;
export const LOG_LEVEL_INFO: u32 = LogLevel.info;
export const LOG_LEVEL_ERROR: u32 = LogLevel.error;
export const LOG_LEVEL_DEBUG: u32 = LogLevel.debug;
export const WAKE_FRAME: u32 = Wake.frame;
export const WAKE_THREAD: u32 = Wake.thread;
export const WAKE_DESCRIPTOR: u32 = Wake.descriptor;
export const SETTING_INJECT_LOSS: u32 = Setting.injectLoss;
export const SETTING_INJECT_DUPLICATE: u32 = Setting.injectDuplicate;
export const SETTING_INJECT_REORDER: u32 = Setting.injectReorder;
export const SETTING_INJECT_DELAY: u32 = Setting.injectDelay;
export const POOL_COUNT: u32 = PoolId.count;
export const POOL_ID_SOCKET: u32 = PoolId.socket;
export const POOL_ID_TCB: u32 = PoolId.tcb;
export const POOL_ID_BUFFER: u32 = PoolId.buffer;
export const POOL_ID_WAIT_SET: u32 = PoolId.waitSet;
export const POOL_ID_INTEREST: u32 = PoolId.interest;
export const POOL_ID_NEIGHBOUR: u32 = PoolId.neighbour;
export const POOL_ID_REASSEMBLY: u32 = PoolId.reassembly;

export * from "../kernel/layout";
