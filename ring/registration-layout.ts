/**
 * The registration messages and the limits of regions, as numbers for the Node side: the build compiles this
 * file by itself and writes build/generated/node/registration-layout.ts from it.
 */
import { Introduction, INTRODUCTION_SIZE as introductionSize } from "./introduction";
import {
  DESCRIPTOR_SIZE as descriptorSize,
  RING_COOKIE as ringCookie,
  RING_DESCRIPTORS as ringDescriptors,
  RING_FLAGS as ringFlags,
  RING_HEAD as ringHead,
  RING_TAIL as ringTail,
} from "./layout";
import {
  Refusal,
  RefusalCode,
  Register,
  RegistrationFeature,
  RegistrationKind,
  REFUSAL_SIZE as refusalSize,
  REFUSAL_TEXT_AT as refusalTextAt,
  REGISTER_SIZE as registerSize,
  REGISTRATION_MAGIC as registrationMagic,
  REGISTRATION_VERSION as registrationVersion,
  Welcome,
  WELCOME_SIZE as welcomeSize,
} from "./registration";

export const REGISTRATION_MAGIC: u32 = registrationMagic;
export const REGISTRATION_VERSION: u32 = registrationVersion;
export const REGISTRATION_REGISTER: u32 = RegistrationKind.register;
export const REGISTRATION_WELCOME: u32 = RegistrationKind.welcome;
export const REGISTRATION_REFUSAL: u32 = RegistrationKind.refusal;

export const REGISTRATION_OFFER: u32 = RegistrationKind.offer;
export const REGISTRATION_OFFERED: u32 = RegistrationKind.offered;
export const REGISTRATION_INTRODUCTION: u32 = RegistrationKind.introduction;
export const REGISTRATION_ATTACHED: u32 = RegistrationKind.attached;
export const REGISTRATION_READY: u32 = RegistrationKind.ready;
export const REGISTRATION_DECLINED: u32 = RegistrationKind.declined;
export const REGISTRATION_WITHDRAWN: u32 = RegistrationKind.withdrawn;

export const FEATURE_VNET_HEADER: u32 = RegistrationFeature.vnetHeader;
export const FEATURE_ANNOUNCES: u32 = RegistrationFeature.announces;
export const FEATURE_DIRECT_RINGS: u32 = RegistrationFeature.directRings;

export const MESSAGE_VERSION: u32 = <u32>offsetof<Refusal>("version");
export const MESSAGE_KIND: u32 = <u32>offsetof<Refusal>("kind");
export const MESSAGE_SIZE: u32 = <u32>offsetof<Refusal>("size");

export const REGISTER_SIZE: u32 = registerSize;
export const REGISTER_PID: u32 = <u32>offsetof<Register>("pid");
export const REGISTER_STACK_INDEX: u32 = <u32>offsetof<Register>("stackIndex");
export const REGISTER_STACK_COUNT: u32 = <u32>offsetof<Register>("stackCount");
export const REGISTER_SLOTS: u32 = <u32>offsetof<Register>("slots");
export const REGISTER_BUFFER_SIZE: u32 = <u32>offsetof<Register>("bufferSize");
export const REGISTER_FEATURES: u32 = <u32>offsetof<Register>("features");
export const REGISTER_REGION_SIZE: u32 = <u32>offsetof<Register>("regionSize");
export const REGISTER_MAC: u32 = <u32>offsetof<Register>("mac");
export const REGISTER_ADDRESS: u32 = <u32>offsetof<Register>("addressHigh");
export const REGISTER_PROCESS_KEY: u32 = <u32>offsetof<Register>("processKey");
export const REGISTER_NAME: u32 = <u32>offsetof<Register>("nameFirst");
export const REGISTER_PREFIX_LENGTH: u32 = <u32>offsetof<Register>("prefixLength");
export const REGISTER_VLAN: u32 = <u32>offsetof<Register>("vlan");

export const WELCOME_SIZE: u32 = welcomeSize;
export const WELCOME_VPORT: u32 = <u32>offsetof<Welcome>("vport");
export const WELCOME_PORT_FLAGS: u32 = <u32>offsetof<Welcome>("portFlags");
export const WELCOME_MTU: u32 = <u32>offsetof<Welcome>("mtu");
export const WELCOME_SEGMENTATION_MAX: u32 = <u32>offsetof<Welcome>("segmentationMax");
export const WELCOME_MAC: u32 = <u32>offsetof<Welcome>("mac");

export const REFUSAL_SIZE: u32 = refusalSize;
export const REFUSAL_CODE: u32 = <u32>offsetof<Refusal>("code");
export const REFUSAL_TEXT_AT: u32 = refusalTextAt;
export const REFUSAL_MESSAGE: u32 = RefusalCode.message;
export const REFUSAL_VERSION: u32 = RefusalCode.version;
export const REFUSAL_DESCRIPTORS: u32 = RefusalCode.descriptors;
export const REFUSAL_REGION: u32 = RefusalCode.region;
export const REFUSAL_GEOMETRY: u32 = RefusalCode.geometry;
export const REFUSAL_CREDENTIALS: u32 = RefusalCode.credentials;
export const REFUSAL_MAC: u32 = RefusalCode.mac;
export const REFUSAL_ADDRESS: u32 = RefusalCode.address;
export const REFUSAL_STACK: u32 = RefusalCode.stack;
export const REFUSAL_CLIENTS: u32 = RefusalCode.clients;
export const REFUSAL_MEMORY: u32 = RefusalCode.memory;
export const REFUSAL_ENDING: u32 = RefusalCode.ending;
export const REFUSAL_VLAN: u32 = RefusalCode.vlan;
export const REFUSAL_UNABLE: u32 = RefusalCode.unable;

export const INTRODUCTION_SIZE: u32 = introductionSize;
export const INTRODUCTION_NUMBER: u32 = <u32>offsetof<Introduction>("number");
export const INTRODUCTION_MAC: u32 = <u32>offsetof<Introduction>("mac");
export const INTRODUCTION_ADDRESS: u32 = <u32>offsetof<Introduction>("addressHigh");
export const INTRODUCTION_PID: u32 = <u32>offsetof<Introduction>("pid");
export const INTRODUCTION_UID: u32 = <u32>offsetof<Introduction>("uid");
export const INTRODUCTION_GID: u32 = <u32>offsetof<Introduction>("gid");
export const INTRODUCTION_SLOTS: u32 = <u32>offsetof<Introduction>("slots");
export const INTRODUCTION_BUFFER_SIZE: u32 = <u32>offsetof<Introduction>("bufferSize");
export const INTRODUCTION_STACK_INDEX: u32 = <u32>offsetof<Introduction>("stackIndex");
export const INTRODUCTION_STACK_COUNT: u32 = <u32>offsetof<Introduction>("stackCount");
export const INTRODUCTION_REGION_SIZE: u32 = <u32>offsetof<Introduction>("regionSize");

/** A ring's cookie, and where its words are. */
export const RING_COOKIE: u32 = ringCookie;
export const RING_FLAGS: u32 = <u32>ringFlags;
export const RING_HEAD: u32 = <u32>ringHead;
export const RING_TAIL: u32 = <u32>ringTail;
/** Where a ring's descriptors begin, and bytes of one. */
export const RING_DESCRIPTORS: u32 = <u32>ringDescriptors;
export const DESCRIPTOR_SIZE: u32 = <u32>descriptorSize;
