// Names the prebuilt addon for pkg-prebuilds: prebuilds/rookery-<platform>-<arch>/node-napi-v8.node.
module.exports = { name: 'rookery', napi_versions: [8] };
