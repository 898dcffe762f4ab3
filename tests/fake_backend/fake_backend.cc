// A ggml backend library with two devices that say what they are and can do nothing.
#include <ggml-backend-impl.h>

namespace {

constexpr size_t kGib = size_t{1} << 30;

struct FakeDevice {
  const char* name;
  const char* description;
  size_t memory_bytes;
};
FakeDevice fakes[] = {{"Dropped0", "a device of a backend that was dropped in", 3 * kGib},
                      {"Dropped1", "another one", 5 * kGib}};
constexpr size_t kFakes = sizeof fakes / sizeof fakes[0];

const FakeDevice& fake_of(ggml_backend_dev_t device) {
  return *static_cast<FakeDevice*>(device->context);
}

ggml_backend_reg_t registry();

const char* name_of(ggml_backend_dev_t device) {
  return fake_of(device).name;
}
const char* description_of(ggml_backend_dev_t device) {
  return fake_of(device).description;
}
void memory_of(ggml_backend_dev_t device, size_t* free, size_t* total) {
  *free = *total = fake_of(device).memory_bytes;
}
enum ggml_backend_dev_type type_of(ggml_backend_dev_t /*device*/) {
  return GGML_BACKEND_DEVICE_TYPE_ACCEL;
}
void properties_of(ggml_backend_dev_t device, ggml_backend_dev_props* properties) {
  *properties = {};
  properties->name = name_of(device);
  properties->description = description_of(device);
  properties->type = type_of(device);
  memory_of(device, &properties->memory_free, &properties->memory_total);
}
ggml_backend_t no_backend(ggml_backend_dev_t /*device*/, const char* /*parameters*/) {
  return nullptr;
}
ggml_backend_buffer_type_t no_buffer_type(ggml_backend_dev_t /*device*/) {
  return nullptr;
}
bool supports_nothing(ggml_backend_dev_t /*device*/, const ggml_tensor* /*operation*/) {
  return false;
}
bool supports_no_buffer(ggml_backend_dev_t /*device*/, ggml_backend_buffer_type_t /*type*/) {
  return false;
}

ggml_backend_dev_t device_at(ggml_backend_reg_t /*registry*/, size_t index) {
  static ggml_backend_device devices[kFakes];
  ggml_backend_device& device = devices[index];
  device.iface.get_name = name_of;
  device.iface.get_description = description_of;
  device.iface.get_memory = memory_of;
  device.iface.get_type = type_of;
  device.iface.get_props = properties_of;
  device.iface.init_backend = no_backend;
  device.iface.get_buffer_type = no_buffer_type;
  device.iface.supports_op = supports_nothing;
  device.iface.supports_buft = supports_no_buffer;
  device.reg = registry();
  device.context = &fakes[index];
  return &device;
}

ggml_backend_reg_t registry() {
  static ggml_backend_reg reg = {
      GGML_BACKEND_API_VERSION,
      {[](ggml_backend_reg_t) { return "Dropped"; }, [](ggml_backend_reg_t) { return kFakes; }, device_at,
       [](ggml_backend_reg_t, const char*) -> void* { return nullptr; }},
      nullptr};
  return &reg;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) ggml_backend_reg_t ggml_backend_init() {
  return registry();
}
