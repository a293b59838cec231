export { sipHash } from "../../../stack/random/siphash";
