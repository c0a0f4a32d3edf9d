//! The kernel's virtual camera `vivid`: a picture written to its output device appears on its input device.

use v4l::FourCC;
use v4l::buffer::Type;
use v4l::control::{Control, Type as ControlType, Value};
use v4l::format::FieldOrder;
use v4l::io::traits::OutputStream;
use v4l::prelude::{Device, MmapStream};
use v4l::video::Output;

use crate::Result;

const BUFFERS: u32 = 4;

/// Writes `picture` (YUYV) repeatedly to the output `device`, until this process is killed or the device is unplugged.
pub(crate) fn play(device: &str, picture: &[u8], width: u32, height: u32) -> Result<()> {
    let device = Device::with_path(device)?;
    let mut format = Output::format(&device)?;
    (format.width, format.height, format.fourcc) = (width, height, FourCC::new(b"YUYV"));
    let format = Output::set_format(&device, &format)?;
    if (format.width, format.height, &format.fourcc.repr) != (width, height, b"YUYV")
        || format.size as usize != picture.len()
    {
        return Err(format!(
            "{} bytes are not a picture in the device's format:\n{format}",
            picture.len()
        )
        .into());
    }
    let mut stream = MmapStream::with_buffers(&device, Type::VideoOutput, BUFFERS)?;
    // The driver returns a buffer only while another one is queued; the stream queues the first itself.
    for index in 1..BUFFERS as usize {
        OutputStream::queue(&mut stream, index)?;
    }
    let mut fresh = BUFFERS;
    loop {
        let (buffer, meta) = OutputStream::next(&mut stream)?;
        // Buffers keep their contents, and the picture does not change.
        if fresh > 0 {
            buffer[..picture.len()].copy_from_slice(picture);
            fresh -= 1;
        }
        meta.field = FieldOrder::Progressive as u32;
        meta.bytesused = format.size;
    }
}

/// Sets the control called `name`.
pub(crate) fn set(device: &str, name: &str, value: i64) -> Result<()> {
    let device = Device::with_path(device)?;
    let controls = device.query_controls()?;
    let control = controls.iter().find(|control| control.name == name).ok_or_else(|| {
        let names: Vec<_> = controls.iter().map(|control| control.name.as_str()).collect();
        format!("no such control; there are: {}", names.join(", "))
    })?;
    let value = match control.typ {
        ControlType::Boolean => Value::Boolean(value != 0),
        _ => Value::Integer(value),
    };
    Ok(device.set_control(Control { id: control.id, value })?)
}
