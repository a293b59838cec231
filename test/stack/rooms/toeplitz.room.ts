export { toeplitz } from "../../../stack/link/toeplitz";
