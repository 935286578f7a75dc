# For tools that only know node-gyp (node-gyp rebuild, electron-rebuild): hands the build over to
# CMake, which is the one build definition.
{
  "targets": [
    {
      "target_name": "rookery",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": [
            "CMakeLists.txt",
            "scripts/build-addon.mjs",
            "<!@(find native -name '*.cc' -o -name '*.h')"
          ],
          "outputs": ["build-cmake/RelWithDebInfo/rookery.node"],
          "action": ["node", "scripts/build-addon.mjs"],
          "message": "Building the addon with CMake"
        }
      ]
    }
  ]
}
