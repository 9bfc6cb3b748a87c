export * from './gen/sigma/v1/command_pb.js';
export * from './gen/sigma/v1/envelope_pb.js';
export * from './gen/sigma/v1/http_pb.js';
export * from './gen/sigma/v1/link_pb.js';
export * from './gen/sigma/v1/mission_pb.js';
export * from './gen/sigma/v1/query_pb.js';
export * from './gen/sigma/v1/record_pb.js';
export * from './gen/sigma/v1/telemetry_pb.js';
