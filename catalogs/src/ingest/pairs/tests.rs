use super::list::parse;
use super::*;

/// A NRRD file of 3 × 2 × 2 voxels of 8 bits.
fn nrrd(voxels: [u8; 12], origin: &str) -> Vec<u8> {
    let mut file = format!(
        "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 3 2 2\nencoding: raw\nspace: LPS\n\
         space directions: (0.5,0,0) (0,1,0) (0,0,2)\nspace origin: {origin}\n\n"
    )
    .into_bytes();
    file.extend(voxels);
    file
}

fn members(list: &Path) -> Vec<(String, Result<Vec<u8>, String>)> {
    let mut all = Vec::new();
    read(list, &mut |member| {
        let mut bytes = Vec::new();
        let read = match member.content {
            Ok(content) => content
                .read_to_end(&mut bytes)
                .map(|_| bytes)
                .map_err(|error| error.to_string()),
            Err(failure) => Err(failure.reason),
        };
        all.push((String::from_utf8(member.name.to_vec()).unwrap(), read));
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

#[test]
fn a_pair_is_an_image_and_a_segmentation_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.csv");
    std::fs::write(dir.path().join("i.nrrd"), nrrd([7; 12], "(1,2,3)")).unwrap();
    let mut labels = [0; 12];
    (labels[0], labels[7], labels[8]) = (1, 5, 5);
    std::fs::write(dir.path().join("m.nrrd"), nrrd(labels, "(1,2,3)")).unwrap();
    std::fs::write(&list, "Image,Mask,Patient ID\ni.nrrd,m.nrrd,P1\n").unwrap();
    let all = members(&list);
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["i.nrrd", "i.nrrd/m.nrrd"]);
    let open = |bytes: &[u8]| dicom_object::OpenFileOptions::new().from_reader(bytes).unwrap();
    let image = open(all[0].1.as_ref().unwrap());
    let voxels = image
        .element(dicom_dictionary_std::tags::FLOAT_PIXEL_DATA)
        .unwrap()
        .to_multi_float32()
        .unwrap();
    assert_eq!(voxels, [7.0; 12]);
    let mask = open(all[1].1.as_ref().unwrap());
    // Two segments of a frame each: bit 0 of the first, bits 1 and 2 of the second, whose first bit is the seventh.
    let bits = mask
        .element(dicom_dictionary_std::tags::PIXEL_DATA)
        .unwrap()
        .to_bytes()
        .unwrap();
    assert_eq!(bits[..2], [1 | 1 << 7, 1]);
    assert_eq!(all, members(&list), "the same files are the same instances");
}

#[test]
fn what_is_wrong_is_told_of_its_member_alone() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.csv");
    std::fs::write(dir.path().join("i.nrrd"), nrrd([7; 12], "(1,2,3)")).unwrap();
    std::fs::write(dir.path().join("empty.nrrd"), nrrd([0; 12], "(1,2,3)")).unwrap();
    std::fs::write(
        &list,
        "image,mask,label,patient_id\ni.nrrd,empty.nrrd,,P1\ni.nrrd,i.nrrd,3,P1\ni.nrrd,gone.nrrd,,P1\ngone.nrrd,,,P1\n",
    )
    .unwrap();
    let all = members(&list);
    let reasons: Vec<_> = all
        .iter()
        .map(|(name, read)| (name.as_str(), read.as_ref().err()))
        .collect();
    assert_eq!(reasons.len(), 5);
    let told = |name: &str| {
        let found = reasons.iter().find(|(of, _)| *of == name).unwrap();
        found.1.map(String::as_str).unwrap_or_default()
    };
    assert_eq!(told("i.nrrd"), "");
    assert_eq!(told("i.nrrd/empty.nrrd"), "all of its voxels are 0");
    assert_eq!(told("i.nrrd/i.nrrd#3"), "no voxel of it has the label 3");
    assert!(told("i.nrrd/gone.nrrd").contains("No such file"));
    assert!(told("gone.nrrd").contains("No such file"));
}

#[test]
fn lists_say_what_is_wrong_with_them_and_no_value() {
    let wrong = |text: &str| parse(text.as_bytes()).unwrap_err();
    assert!(wrong("image,mask\na,b\n").starts_with("the list has no column patient_id"));
    assert_eq!(
        wrong("image,patient_id\nSecret\n"),
        "line 2 of the list has 1 fields where the first has 2"
    );
    assert_eq!(
        wrong("image,patient_id\n,P1\n"),
        "line 2 of the list: image is empty"
    );
    assert_eq!(
        wrong("image,patient_id,study_date\na,P1,31.12.2024\n"),
        "line 2 of the list: study_date is no day as 2024-12-31"
    );
    assert_eq!(
        wrong("image,patient_id,label\na,P1,0\n"),
        "line 2 of the list: label is no number from 1 to 65535"
    );
    assert_eq!(
        wrong("image,patient_id\na,P1\na,P2\n"),
        "line 3 of the list: the same image, mask and label stand above"
    );
    assert!(wrong("image,patient_id,study_uid\na,P1,x\n").contains("no UID"));
    let read = parse(b"\xEF\xBB\xBFimage;mask;Subject;modality;date\na b.nii;;P1;ct;2024-12-31\n").unwrap();
    assert_eq!(
        (read[0].modality.as_deref(), read[0].study_date.as_deref()),
        (Some("CT"), Some("20241231"))
    );
    assert_eq!(read[0].mask, None);
}
